-- The Stripe guard: how it is set, and how far it has read changes of levels. `mark` and `floor` are a place as in `hook_cursor`.
-- `stopped_why`: why it stopped by itself. `trouble`: why its last look at Stripe failed.
create table stockroom.guard (
    is_only       boolean primary key default true constraint guard_only_check check (is_only),
    mode          text not null default 'off',
    most_per_hour int not null default 30,
    set_by        text,
    set_at        timestamptz,
    stopped_at    timestamptz,
    stopped_why   text,
    mark          text,
    floor         bigint,
    looked_at     timestamptz,
    trouble       text,
    constraint guard_mode_check check (mode in ('off', 'dry', 'on')),
    constraint guard_most_check check (most_per_hour between 1 and 1000)
);
insert into stockroom.guard default values;

-- The Payment Links and open Checkout Sessions as they were last read. `items`: [{variant_id, least}], the fewest units of each variant
-- that one purchase takes. `over`: the entry of ours in a link's metadata that has no meaning any more, because there was stock again.
create table stockroom.guard_objects (
    object_id text primary key,
    kind      text not null,
    items     jsonb not null,
    over      text,
    read_at   timestamptz not null default clock_timestamp(),
    constraint guard_objects_kind_check check (kind in ('link', 'session'))
);

-- What the guard did or, in a dry run, would have done: what it found, what it asked of Stripe, the answer, and by which setting.
-- `entry` is the idempotency key of the request. A deactivated link has it in its metadata at Stripe, which shows that we did it.
create table stockroom.guard_acts (
    id            bigint generated always as identity primary key,
    act           text not null,
    object_id     text not null,
    found         jsonb not null,
    asked         text not null,
    entry         text not null default 'stockroom-guard-' || gen_random_uuid(),
    state         text not null,
    answer        text,
    mode          text not null,
    set_by        text not null,
    most_per_hour int not null,
    created_at    timestamptz not null default clock_timestamp(),
    answered_at   timestamptz,
    constraint guard_acts_entry_key unique (entry),
    constraint guard_acts_act_check check (act in ('deactivate', 'activate', 'expire', 'leave')),
    constraint guard_acts_state_check check (state in ('asked', 'done', 'refused', 'lost', 'dry')),
    constraint guard_acts_mode_check check (mode in ('dry', 'on'))
);
create index guard_acts_object_idx on stockroom.guard_acts (object_id, id);
create index guard_acts_created_idx on stockroom.guard_acts (created_at);

alter table stockroom.alerts drop constraint alerts_kind_check;
alter table stockroom.alerts add constraint alerts_kind_check check (kind in ('insufficient_stock', 'unknown_variant',
    'unreadable_cart', 'amount_mismatch', 'double_payment', 'dispute', 'import_error', 'refund_failed', 'low_stock',
    'out_of_stock', 'proof_failed', 'job_stalled', 'bad_signature', 'backup_failed', 'slowdown', 'shared_code', 'database_died',
    'webhook_off', 'guard_stopped'));

-- The list of a case. PostgreSQL 15 cannot change the expression of a column. What uses the column is rebuilt after this.
drop schema if exists stockroom_api cascade;
create schema stockroom_api;
delete from stockroom.sql_text;
alter table stockroom.alerts drop column list;
alter table stockroom.alerts
    add column list text not null generated always as (
        case when kind in ('double_payment', 'dispute') then 'decisions'
             when kind in ('low_stock', 'out_of_stock') then 'levels'
             when kind in ('proof_failed', 'job_stalled', 'bad_signature', 'backup_failed', 'slowdown', 'database_died', 'webhook_off',
                           'guard_stopped')
                  then 'machinery'
             else 'failed' end) stored;
