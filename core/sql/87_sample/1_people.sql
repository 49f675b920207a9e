-- What the people of the sample shop decided in its past, and its first proof and backup.

-- Decide what became of goods of an order, as `_who` did at a past moment: after the refund `_refund_id`, or without one. What a
-- visitor has decided meanwhile stays. Goods that are not there to come back are left out.
create function stockroom_api.decide_in_sample(
    _key text, _who text, _payment_id text, _refund_id text, _goods jsonb, _disposition text, _reason text, _at timestamptz
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _order stockroom.orders;
    _refund stockroom.refunds;
    _operation_id bigint;
    _said stockroom_api.decision[];
begin
    perform stockroom_api.refuse_unless_sample();
    select * into _order from stockroom.orders o where o.payment_id = _payment_id;
    select * into _refund from stockroom.refunds r where r.refund_id = _refund_id and r.order_id = _order.id;
    if _order.id is null or _refund_id is not null and _refund.state is distinct from 'waiting' then
        return;
    end if;
    perform stockroom_api.lock_goods(_order.id);
    _said := array(
        select row (l.id, _disposition, g.value::int)::stockroom_api.decision
          from jsonb_each_text(_goods) g
          join public.product_variants v on v.sku = g.key
          join stockroom.order_lines l on l.order_id = _order.id and l.variant_id = v.id and l.taken - l.restored >= g.value::int
         order by l.position);
    if cardinality(_said) = 0 then
        return;
    end if;
    _operation_id := stockroom_api.claim_operation(
        _key, case when _refund_id is null then 'take_in' else 'decide_refund' end, _goods::text, null, _who, _at);
    if _operation_id is null then
        return;
    end if;
    perform stockroom_api.count_restored(_order.id, _said);
    perform stockroom_api.restock(_operation_id, _who, _said, _reason, case when _refund_id is null then 'order' else 'refund' end,
        coalesce(_refund_id, left(coalesce(_order.number, _order.payment_id), 200)), null, _at);
    insert into stockroom.refund_decisions (refund_id, line_id, disposition, quantity, operation_id, movement_id, decided_by, decided_at)
    select _refund.id, d.line_id, d.disposition, d.quantity, _operation_id, m.movement_id, _who, _at
      from unnest(_said) d
      left join (select x.line_id, x.movement_id from stockroom_api.line_movements x
                   join public.stock_movements s on s.id = x.movement_id and s.operation_id = _operation_id) m on m.line_id = d.line_id;
    update stockroom.refunds set state = 'decided', decided_at = _at, decided_by = _who where id = _refund.id;
end $$;

-- Ask for the first backup and, once it was made or has failed, for the first proof. Returns whether something is still missing.
create function stockroom_api.ask_first_jobs() returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _next text := (
        select w.name
          from (values (1, 'backup'), (2, 'reconcile')) w (place, name)
         where not exists (select from stockroom.job_runs r where r.name = w.name and r.ended_at is not null)
         order by w.place limit 1);
begin
    perform stockroom_api.refuse_unless_sample();
    update stockroom.jobs j set asked_at = now()
     where j.name = _next and j.asked_at is null
       and not exists (select from stockroom.job_runs r where r.name = j.name and r.ended_at is null);
    return _next is not null;
end $$;

grant execute on function
    stockroom_api.decide_in_sample(text, text, text, text, jsonb, text, text, timestamptz), stockroom_api.ask_first_jobs()
    to stockroom_app;
