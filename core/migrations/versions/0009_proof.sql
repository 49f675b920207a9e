-- The runs of the daily proof. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- How long something may wait before a check calls it a fault: one row.
create table stockroom.proof_limits (
    only_row     boolean primary key default true check (only_row),
    inbox_hours  int not null default 1 check (inbox_hours between 1 and 1000),
    refund_days  int not null default 14 check (refund_days between 1 and 1000),
    alert_hours  int not null default 48 check (alert_hours between 1 and 10000),
    backup_days  int not null default 7 check (backup_days between 1 and 1000)
);
insert into stockroom.proof_limits default values;

-- A run of checks: who asked, over how much of the ledger, and the ledger's head hash as it was seen. Added to, never changed.
create table stockroom.proof_runs (
    id           bigint generated always as identity primary key,
    began_at     timestamptz not null,
    ended_at     timestamptz not null default clock_timestamp(),
    performed_by text not null,
    is_full      boolean not null,
    head_hash    bytea not null
);
create index proof_runs_ended_idx on stockroom.proof_runs (ended_at desc);

-- What one check found in a run: the first faults in words, and as the facts behind the words. `not_compared` says why Stripe itself was not asked.
create table stockroom.proof_results (
    run_id       bigint not null references stockroom.proof_runs,
    code         text not null check (code ~ '^R[0-9]{1,2}$'),
    title        text not null,
    checked      bigint not null,
    failures     bigint not null,
    examples     jsonb not null,
    faults       jsonb not null,
    not_compared text,
    primary key (run_id, code)
);

-- How far each variant's chain was proven, with the hash it had there, as of the last run in which the chain held.
create table stockroom.proof_marks (
    variant_id uuid primary key,
    sequence   int not null,
    chain_hash bytea not null,
    run_id     bigint not null references stockroom.proof_runs
);

create trigger proof_runs_append_only
    before update or delete or truncate on stockroom.proof_runs
    for each statement execute function stockroom.keep_audit();
create trigger proof_results_append_only
    before update or delete or truncate on stockroom.proof_results
    for each statement execute function stockroom.keep_audit();
