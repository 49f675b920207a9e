-- What a backup leaves out. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- Sentences about what others own and a restore into an empty database cannot have, as the manifest lists it.
alter table stockroom.backups add column left_out text[] not null default '{}';
