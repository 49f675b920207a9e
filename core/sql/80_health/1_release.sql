-- The release of this database, for a process that may not read our own tables.

-- The revision of the tables and the checksum of core/sql; core/database/migrate.py compares them with its own.
create view stockroom_api.release as
select (select version_num from stockroom.alembic_version) as revision, (select checksum from stockroom.sql_text) as checksum;

grant select on stockroom_api.release to stockroom_app;
