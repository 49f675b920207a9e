-- The waiting rows of a history file cost as much as a tenth of its import. After a crash they are gone, and the import stages
-- them again. Posting reads only the rows of its own import, which it checks, so they need no foreign key.
alter table stockroom.history_rows drop constraint history_rows_import_id_fkey;
alter table stockroom.history_rows set unlogged;
-- Each import analyses them, and its statements need no more than the number of rows and of SKUs.
alter table stockroom.history_rows
    alter occurred_at set statistics 10, alter sku set statistics 30, alter movement_type set statistics 10,
    alter reason set statistics 10, alter quantity set statistics 10, alter reference set statistics 10, alter name set statistics 10,
    alter import_id set statistics 10, alter line set statistics 10;
