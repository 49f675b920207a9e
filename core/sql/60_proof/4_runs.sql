-- Running the checks and recording their results. They report and never repair.

-- The checks in their order: the view of their faults and the table they look at; for a recent run the view and what that looks at
-- (null: the same), and whether it begins at the last full run of this check; and the order of their faults.
create view stockroom_api.proof_checks as
select * from (values
    (1, 'R1', 'level_faults', 'public.product_variants', 'recent_level_faults', 'public.product_variants', false, 'f.sku'),
    (2, 'R2', 'chain_faults', 'public.stock_movements', 'recent_chain_faults', 'stockroom_api.new_movements', false,
        'f.sku, f.variant_sequence, f.movement_id'),
    (3, 'R3', 'payment_faults', 'stockroom_api.paid_messages', null, null, false, 'f.paid_at, f.payment_id'),
    (4, 'R4', 'unit_faults', 'stockroom.order_lines', 'recent_unit_faults', 'stockroom_api.written_lines(''R4'')', true,
        'f.order_id, f.position'),
    (5, 'R5', 'amount_faults', 'stockroom.orders', 'recent_amount_faults', 'stockroom_api.written_orders(''R5'')', true, 'f.order_id'),
    (6, 'R6', 'refund_faults', 'stockroom.refunds', 'recent_refund_faults', 'stockroom.refunds', true,
        'f.order_id, f.line_id, f.refund_id'),
    (7, 'R7', 'twin_faults', 'stockroom.orders', 'recent_twin_faults', 'stockroom_api.written_orders(''R7'')', true, 'f.name'),
    (8, 'R8', 'waiting_faults', 'stockroom_api.alerts', null, null, false, 'f.alert_id'),
    (9, 'R9', 'backup_faults', 'stockroom.backups', null, null, false, 'f.proven_at'),
    (10, 'R10', 'hold_faults', 'public.product_variants', null, null, false, 'f.sku'),
    (11, 'R11', 'rollup_faults', 'stockroom.variant_days', 'recent_rollup_faults', 'stockroom_api.new_movements', false, 'f.day, f.sku'),
    (12, 'R12', 'door_faults', 'pg_catalog.pg_roles', null, null, false, 'f.kind, f.name, f.relation'),
    (13, 'R13', 'cost_faults', 'stockroom.cost_steps', 'recent_cost_faults', 'stockroom_api.written_costs(true)', true,
        'f.sku, f.variant_sequence, f.month')
) c (place, code, faults, looks_at, recent, recent_looks_at, is_windowed, in_order);

-- Run all checks or those of `_codes`. Returns for each its code, the rows looked at, the rows that fail, the first `_examples` of
-- these, and `since`: the end of the run after which it looked; null if it looked at everything. A recent run of R4 to R7 and R13
-- begins at their last full run that passed; without one it is full. Memory is raised for the large checks. Refuses: SK009, SK010.
create function stockroom_api.run_checks(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _examples int, _codes text[], _is_full boolean
) returns table (code text, checked bigint, failures bigint, examples jsonb, since timestamptz)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set work_mem = '64MB' as $$
declare
    _check record;
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    for _check in
        select c.code, s.since, c.in_order, case when s.since is null then c.faults else c.recent end as faults,
               case when s.since is null then c.looks_at else c.recent_looks_at end as looks_at
          from stockroom_api.proof_checks c
         cross join lateral (
            select case when _is_full or c.recent is null then null
                        when c.is_windowed then (select w.ended_at from stockroom_api.proof_windows w where w.code = c.code)
                        else (select max(r.ended_at) from stockroom.proof_runs r
                               where r.id = (select max(k.run_id) from stockroom.proof_marks k)) end as since) s
         where _codes is null or c.code = any (_codes) order by c.place
    loop
        return query execute format(
            'select %L::text, (select count(*) from %s), count(*),
                    coalesce(jsonb_agg(to_jsonb(f) order by f.n) filter (where f.n <= $1), ''[]''), $2
               from (select f.*, row_number() over (order by %s) as n from stockroom_api.%I f) f',
            _check.code, _check.looks_at, _check.in_order, _check.faults) using _examples, _check.since;
    end loop;
end $$;

-- Record the results of a run with the head hash of the ledger, and with the oldest transaction that its snapshot may not have seen.
-- If R2 passes, mark the chains as verified so far. Open a case for each check that fails and resolve the cases of the others. A
-- recent run resolves no case of a check with a recent form, because its fault can be older. Call it in the transaction and snapshot
-- of the checks. Refuses: SK009, SK010.
create function stockroom_api.record_run(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _began_at timestamptz, _is_full boolean, _results jsonb
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _run_id bigint;
begin
    insert into stockroom.proof_runs (began_at, performed_by, is_full, head_hash, horizon, server)
    values (_began_at, _who, _is_full, stockroom_api.ledger_head(), pg_snapshot_xmin(pg_current_snapshot()), stockroom_api.server_id())
    returning id into _run_id;
    insert into stockroom.proof_results (run_id, code, title, checked, failures, examples, faults, not_compared, since)
    select _run_id, r.code, r.title, r.checked, r.failures, r.examples, r.faults, r.not_compared, r.since
      from jsonb_to_recordset(_results)
           r (code text, title text, checked bigint, failures bigint, examples jsonb, faults jsonb, not_compared text, since timestamptz);
    if exists (select from stockroom.proof_results r where r.run_id = _run_id and r.code = 'R2' and r.failures = 0) then
        insert into stockroom.proof_marks (variant_id, sequence, chain_hash, run_id)
        select v.id, v.movement_sequence, v.chain_head, _run_id
          from public.product_variants v where v.chain_head is not null order by v.id
        on conflict (variant_id) do update
           set sequence = excluded.sequence, chain_hash = excluded.chain_hash, run_id = excluded.run_id;
    end if;
    perform stockroom_api.open_alerts(array(
        select row ('proof_failed', 'urgent', 'proof:' || r.code,
                    format('%s fails: %s. %s found%s', r.code, r.title, r.failures, coalesce('; first: ' || (r.examples ->> 0), '')),
                    jsonb_build_object('run', _run_id, 'examples', r.examples), null, null, null, null, 0, 0, null)
                    ::stockroom_api.new_alert
          from stockroom.proof_results r where r.run_id = _run_id and r.failures > 0));
    perform stockroom_api.resolve_cause('proof:' || r.code, 'Stockroom', 'The check passes again')
       from stockroom.proof_results r
       join stockroom_api.proof_checks c on c.code = r.code
      where r.run_id = _run_id and r.failures = 0 and r.not_compared is null and (_is_full or c.recent is null);
    return _run_id;
end $$;

-- From when payments are compared with Stripe: going live, or two days before the last run whose comparison passed.
create function stockroom_api.compare_since() returns timestamptz
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select greatest(s.live_since, (
               select max(r.began_at) - interval '2 days' from stockroom.proof_runs r join stockroom.proof_results p on p.run_id = r.id
                where p.code = 'R3' and p.failures = 0 and p.not_compared is null))
      from stockroom.stripe_link s;
$$;

-- Which of these ids of Stripe are not known here: payments without an order that nobody has set aside, and refunds that are not
-- recorded.
create function stockroom_api.not_known(_payments text[], _refunds text[]) returns setof text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select p.name from unnest(_payments) p (name)
     where not exists (select from stockroom.orders o where o.payment_id = p.name)
       and not exists (select from stockroom.stripe_events e where e.payment_id = p.name and e.state = 'ignored'
                          and e.kind = 'payment_intent.succeeded')
    union all
    select r.name from unnest(_refunds) r (name)
     where not exists (select from stockroom.refunds x where x.refund_id = r.name);
$$;

-- The runs as the history shows them: the number of checks, those that failed, and those that could not compare with Stripe.
create view stockroom_api.proof_history as
select r.id, r.began_at, r.ended_at, r.performed_by, r.is_full, encode(r.head_hash, 'hex') as head_hash, p.checks, p.failing, p.uncompared
  from stockroom.proof_runs r
 cross join lateral (
    select count(*) as checks, coalesce(array_agg(x.code order by c.place) filter (where x.failures > 0), '{}') as failing,
           coalesce(array_agg(x.code order by c.place) filter (where x.not_compared is not null), '{}') as uncompared
      from stockroom.proof_results x join stockroom_api.proof_checks c on c.code = x.code where x.run_id = r.id) p;

-- The result of each check in each run.
create view stockroom_api.proof_results as
select p.run_id, p.code, p.title, p.checked, p.failures, p.examples, p.faults, p.not_compared, p.since, c.place
  from stockroom.proof_results p
  join stockroom_api.proof_checks c on c.code = p.code;

-- The last result of each check, with its open case. A run of recent movements that passes says nothing about older faults, so
-- then the last full run counts.
create view stockroom_api.proof_state as
select p.*, r.ended_at, r.is_full, a.id as alert_id
  from stockroom_api.proof_checks c
 cross join lateral (
    select x.* from stockroom_api.proof_results x join stockroom.proof_runs y on y.id = x.run_id
     where x.code = c.code order by (y.is_full or c.recent is null or x.failures > 0) desc, x.run_id desc limit 1) p
  join stockroom.proof_runs r on r.id = p.run_id
  left join stockroom.alerts a on a.cause = 'proof:' || p.code and a.state <> 'resolved';

grant select on stockroom_api.proof_history, stockroom_api.proof_results, stockroom_api.proof_state to stockroom_app;
grant execute on function
    stockroom_api.run_checks(bigint, bigint, text[], text, int, text[], boolean),
    stockroom_api.record_run(bigint, bigint, text[], text, timestamptz, boolean, jsonb),
    stockroom_api.compare_since(), stockroom_api.not_known(text[], text[])
    to stockroom_app;
