-- Sending the daily proof with its head hash, and comparing a received head hash with the ledger.

-- Put the daily proof into the outbox, once for a run, for each of these destinations that receives daily proofs.
create function stockroom_api.enqueue_proof(_run_id bigint, _names text[], _title text, _body text) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _count bigint;
begin
    insert into stockroom.destinations (name) select n from unnest(_names) n order by n on conflict do nothing;
    with put as (
        insert into stockroom.deliveries (key, kind, destination, title, body, due_at)
        select format('proof:%s:%s', d.name, r.id), 'proof', d.name, left(_title, 200), left(_body, 20000),
               stockroom_api.due_for(d, 'note', r.ended_at, s.zone)
          from stockroom.destinations d
          join stockroom.proof_runs r on r.id = _run_id
         cross join stockroom.shop s
         where d.name = any (_names) and d.is_on and d.daily_proof
         order by d.name
        on conflict (key) do nothing
        returning 1
    )
    select count(*) into _count from put;
    return _count;
end $$;

-- The last movement of each chain in a run.
create function stockroom_api.ends_of_run(_run_id bigint) returns table (variant_id uuid, sequence int)
    language sql stable as $$
    select distinct on (e.variant_id) e.variant_id, e.sequence
      from stockroom.proof_ends e where e.run_id <= _run_id order by e.variant_id, e.run_id desc;
$$;

-- Compare a received head hash with the ledger: the first run that had it, the hash computed again from the movements up to that
-- run, and how many of these break their chain. No row if no run had it. Refuses: SK009, SK010.
create function stockroom_api.check_head(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _head bytea
) returns table (run_id bigint, ended_at timestamptz, movements bigint, computed bytea, broken bigint, first_broken bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
    with run as (
        select r.id, r.ended_at from stockroom.proof_runs r where r.head_hash = _head order by r.id limit 1
    ), ends as materialized (
        select e.variant_id, e.sequence from run, stockroom_api.ends_of_run(run.id) e where e.sequence > 0
    ), head as (
        select sha256(coalesce(string_agg(m.chain_hash, ''::bytea order by e.variant_id), ''::bytea)) as computed
          from ends e
          left join public.stock_movements m on m.variant_id = e.variant_id and m.variant_sequence = e.sequence
    ), links as (
        select count(*) filter (where not l.holds) as broken, min(l.movement_id) filter (where not l.holds) as first_broken,
               count(*) as movements
          from (select l.movement_id, l.in_sequence and l.in_balance and l.in_chain as holds
                  from ends e
                  join stockroom_api.links l on l.variant_id = e.variant_id and l.variant_sequence <= e.sequence) l
    )
    select run.id, run.ended_at, links.movements, head.computed, links.broken, links.first_broken from run, head, links;
end $$;

grant execute on function
    stockroom_api.enqueue_proof(bigint, text[], text, text),
    stockroom_api.check_head(bigint, bigint, text[], text, bytea)
    to stockroom_app;
