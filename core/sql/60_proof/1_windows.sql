-- What was written since the last full proof. Every row says which transaction wrote it (xmin), so neither a trigger nor an index is
-- needed, and no way of writing is missed. A removed row leaves nothing behind: only the full checks find what is missing.

-- The identity of the database server; null if it does not say. Transactions of another server have other numbers.
create function stockroom_api.server_id() returns bigint
    language plpgsql stable as $$
begin
    return (select s.system_identifier from pg_control_system() s);
exception when insufficient_privilege then
    return null;
end $$;

-- The last full run that passed each check, if this server still knows the order of its transactions: all that it did not see was
-- written by the transaction `horizon` or a later one. A number of transactions can be compared over two billion.
create view stockroom_api.proof_windows as
select distinct on (p.code) p.code, r.id as run_id, r.ended_at, r.horizon
  from stockroom.proof_runs r
  join stockroom.proof_results p on p.run_id = r.id and p.failures = 0
 where r.is_full and r.server = stockroom_api.server_id()
   and pg_snapshot_xmax(pg_current_snapshot())::text::bigint - r.horizon::text::bigint between 0 and 2000000000
 order by p.code, r.id desc;

-- How old, in transactions, a row can be that was written since the last full run of a check; null without such a run.
create function stockroom_api.window_age(_code text) returns int
    language sql stable as $$
    select age(w.horizon::xid) from stockroom_api.proof_windows w where w.code = _code;
$$;

-- The order lines about which R4 and R6 can say something else than in the last full run: written since, with a part or a movement
-- that was, and all open ones, whose case can be over.
create function stockroom_api.written_lines(_code text) returns setof bigint
    language sql stable rows 1000 as $$
    with reach as materialized (
        select stockroom_api.window_age(_code) as n
    ), written as materialized (
        select l.id, l.part_of from stockroom.order_lines l where age(l.xmin) <= (select n from reach)
    )
    select w.id from written w
    union
    select w.part_of from written w where w.part_of is not null
    union
    select x.line_id from stockroom.order_line_movements x where age(x.xmin) <= (select n from reach)
    union
    select l.id from stockroom.order_lines l where l.state = 'failed';
$$;

-- The orders about which R5 and R7 can say something else than in the last full run: written since, with a line or a case of the cart
-- that was.
create function stockroom_api.written_orders(_code text) returns setof bigint
    language sql stable rows 1000 as $$
    with reach as materialized (
        select stockroom_api.window_age(_code) as n
    )
    select o.id from stockroom.orders o where age(o.xmin) <= (select n from reach)
    union
    select l.order_id from stockroom.order_lines l where age(l.xmin) <= (select n from reach)
    union
    select o.id
      from stockroom.alerts a
      join stockroom.orders o on o.payment_id = substr(a.cause, 6)
     where age(a.xmin) <= (select n from reach) and a.cause like 'cart:%';
$$;

-- The variants with a step of the average cost that was written since the last full run; with `_moved`, also those that moved since.
create function stockroom_api.written_costs(_moved boolean) returns setof uuid
    language sql stable rows 1000 as $$
    with reach as materialized (
        select stockroom_api.window_age('R13') as n
    )
    select k.variant_id from stockroom.cost_steps k where age(k.xmin) <= (select n from reach)
    union
    select v.id from public.product_variants v where _moved and age(v.xmin) <= (select n from reach);
$$;
