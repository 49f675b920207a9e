-- Measurements of each minute. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- What all processes together did in a minute, and the same summed by the hour: how often each outcome, seconds in all, and a
-- histogram whose bounds are those of core/measure.py.
create table stockroom.health_calls (
    span    text not null,
    at      timestamptz not null,
    kind    text not null,
    name    text not null check (length(name) between 1 and 200),
    ok      bigint not null,
    refused bigint not null,
    failed  bigint not null,
    retried bigint not null,
    seconds double precision not null,
    buckets bigint[] not null,
    primary key (span, kind, at, name),
    constraint health_calls_span_check check (span in ('minute', 'hour')),
    constraint health_calls_kind_check check (kind in ('operation', 'statement', 'lock'))
);

-- How the database stood in a minute; of an hour the most. `inbox_lag` and `lock_wait` are seconds.
create table stockroom.health_samples (
    span           text not null,
    at             timestamptz not null,
    database_bytes bigint not null,
    inbox_waiting  bigint not null,
    inbox_lag      double precision not null,
    lock_waiters   bigint not null,
    lock_wait      double precision not null,
    primary key (span, at),
    constraint health_samples_span_check check (span in ('minute', 'hour'))
);

-- Functions found slow of late: how many checks in a row, up to three; at three there is a case, at none it is over.
create table stockroom.health_slow (
    name       text primary key,
    in_a_row   int not null check (in_a_row between 0 and 3),
    checked_at timestamptz not null default now()
);

-- A function that has become slow is a case of its own kind.
alter table stockroom.alerts drop constraint alerts_kind_check;
alter table stockroom.alerts add constraint alerts_kind_check check (kind in ('insufficient_stock', 'unknown_variant',
    'unreadable_cart', 'amount_mismatch', 'import_error', 'refund_failed', 'low_stock', 'out_of_stock', 'proof_failed',
    'job_stalled', 'bad_signature', 'backup_failed', 'slowdown'));

-- Keys by which a program reads measurements.
alter table stockroom.api_keys drop constraint api_keys_scopes_check;
alter table stockroom.api_keys add constraint api_keys_scopes_check
    check (cardinality(scopes) > 0 and scopes <@ array['validate', 'reserve', 'orders', 'metrics']);
