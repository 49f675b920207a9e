-- Who changed accounts and settings. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- One row for each change of an account or a setting: `change` is a word of core/audit.py, `subject` whom or what it is about,
-- `before` and `after` the facts that differ. Rows are added by stockroom_api.note_change; nothing secret is in them.
create table stockroom.audit (
    id           bigint generated always as identity primary key,
    at           timestamptz not null default now(),
    user_id      bigint,
    performed_by text not null,
    change       text not null check (change ~ '^[a-z_]{1,40}$'),
    subject      text not null,
    before       jsonb,
    after        jsonb
);

-- Says no to every change of what was recorded, whoever asks.
create function stockroom.keep_audit() returns trigger language plpgsql as $$
begin
    raise exception 'What was changed stays on record; it cannot be edited or deleted.' using errcode = 'SK012';
end $$;
create trigger audit_append_only
    before update or delete or truncate on stockroom.audit
    for each statement execute function stockroom.keep_audit();
