-- How far each chain reached in each run of the proof, and who is told of the daily one. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- How far a variant's chain reached when a run looked, written where that differs from the run before: so the head hash of any
-- run can be computed anew from the movements.
create table stockroom.proof_ends (
    variant_id uuid not null,
    run_id     bigint not null references stockroom.proof_runs,
    sequence   int not null check (sequence >= 0),
    primary key (variant_id, run_id)
);

-- The run that wrote its ends last: one row, over which two runs at once meet, so that each builds on what it could see.
create table stockroom.proof_last (
    only_row boolean primary key default true check (only_row),
    run_id   bigint references stockroom.proof_runs
);
insert into stockroom.proof_last default values;

-- What an earlier release proved last is where the first run of this one begins.
insert into stockroom.proof_ends (variant_id, run_id, sequence) select k.variant_id, k.run_id, k.sequence from stockroom.proof_marks k;

-- Write how far each chain reaches with the run that looks, in its snapshot. Of two runs at once the second fails here with a
-- serialization failure, and is begun anew.
create function stockroom.keep_ends() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update stockroom.proof_last set run_id = new.id;
    insert into stockroom.proof_ends (variant_id, run_id, sequence)
    select v.id, new.id, v.movement_sequence
      from public.product_variants v
      left join lateral (select e.sequence from stockroom.proof_ends e
                          where e.variant_id = v.id order by e.run_id desc limit 1) e on true
     where v.movement_sequence <> coalesce(e.sequence, 0)
     order by v.id;
    return null;
end $$;

create trigger proof_runs_ends after insert on stockroom.proof_runs for each row execute function stockroom.keep_ends();
create trigger proof_ends_append_only
    before update or delete or truncate on stockroom.proof_ends
    for each statement execute function stockroom.keep_audit();

-- Whether a destination is told the daily proof and its head hash.
alter table stockroom.destinations add column daily_proof boolean not null default true;

-- When something that is due only now and then was done last, whichever process does it.
create table stockroom.last_times (
    name text primary key,
    at   timestamptz not null
);
