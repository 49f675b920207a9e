-- Refunds: Stripe reports the money, a person decides about the goods, and never more goes back on the shelf than was sold.

-- A refund as Stripe reports it; `told_at` is the date of the message, so that an older message never overwrites a newer one.
create type stockroom_api.told_refund as (
    refund_id text, payment_id text, charge_id text, amount bigint, currency text, status text, reason text,
    failure_reason text, refunded_at timestamptz, told_at timestamptz
);

-- Record refunds and link each to its order if that is known. A refund that failed after units went back opens a case; it moves
-- no stock.
create function stockroom_api.record_refunds(_refunds jsonb) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _ids bigint[];
begin
    with told as materialized (
        select distinct on (t.refund_id) t.*, o.id as order_id
          from jsonb_populate_recordset(null::stockroom_api.told_refund, _refunds) t
          left join stockroom.orders o on o.payment_id = coalesce(t.payment_id, t.charge_id) or o.charge_id = t.charge_id
         order by t.refund_id, t.told_at desc
    ), saved as (
        insert into stockroom.refunds as r (refund_id, order_id, payment_id, charge_id, amount, currency, status, reason,
               failure_reason, refunded_at, told_at, state)
        select t.refund_id, t.order_id, t.payment_id, t.charge_id, t.amount, t.currency, t.status, t.reason, t.failure_reason,
               t.refunded_at, t.told_at, case when t.status in ('failed', 'canceled') then 'failed' else 'waiting' end
          from told t
         order by t.refund_id
        on conflict (refund_id) do update
           set status = excluded.status, amount = excluded.amount, reason = coalesce(excluded.reason, r.reason),
               failure_reason = excluded.failure_reason, told_at = excluded.told_at,
               order_id = coalesce(r.order_id, excluded.order_id), payment_id = coalesce(r.payment_id, excluded.payment_id),
               charge_id = coalesce(r.charge_id, excluded.charge_id),
               state = case when excluded.state = 'failed' then 'failed' else r.state end
         where r.told_at <= excluded.told_at
        returning r.id
    )
    select coalesce(array_agg(s.id), '{}') into _ids from saved s;
    perform stockroom_api.question_refunds(_ids);
    return cardinality(_ids);
end $$;

-- Open a case for each of these refunds that failed after units were put back for it.
create function stockroom_api.question_refunds(_ids bigint[]) returns void
    language sql as $$
    select stockroom_api.open_alerts(array(
        select row ('refund_failed', 'urgent', 'refund:' || r.refund_id,
                    format('Refund %s of order %s failed after %s units were put back on the shelf for it', r.refund_id,
                           coalesce(o.number, o.payment_id), d.units),
                    jsonb_build_object('failure_reason', r.failure_reason, 'status', r.status), r.order_id, r.id, null, null,
                    d.units, r.amount, r.currency)::stockroom_api.new_alert
          from stockroom.refunds r
          join stockroom.orders o on o.id = r.order_id
         cross join lateral (select sum(x.quantity)::int as units from stockroom.refund_decisions x
                              where x.refund_id = r.id and x.disposition = 'restock') d
         where r.id = any (_ids) and r.state = 'failed' and d.units > 0));
$$;

-- One decision about refunded units.
create type stockroom_api.decision as (line_id bigint, disposition text, quantity int);

-- Decide what became of the goods of a refund, line by line; only 'restock' moves stock. A refund can be decided in several
-- steps. Refuses: SK003, SK006, SK008, SK009, SK010.
create function stockroom_api.decide_refund(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _refund_id bigint, _decisions jsonb, _note text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'decide_refund', format('%s %s %L', _refund_id, _decisions, _note), _user_id, _who);
    _refund stockroom.refunds;
    _said stockroom_api.decision[] := array(select d from jsonb_populate_recordset(null::stockroom_api.decision, _decisions) d);
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    select * into _refund from stockroom.refunds where id = _refund_id for no key update;
    perform stockroom_api.refuse_decision(_refund, _said);
    perform stockroom_api.count_restored(_refund.order_id, _said);
    return query select * from stockroom_api.restock(_operation_id, _who, _refund, _said, _note);
    insert into stockroom.refund_decisions (refund_id, line_id, disposition, quantity, note, operation_id, movement_id, decided_by)
    select _refund_id, d.line_id, d.disposition, d.quantity, _note, _operation_id, m.movement_id, _who
      from unnest(_said) d
      left join (select x.line_id, x.movement_id from stockroom.order_line_movements x
                   join public.stock_movements s on s.id = x.movement_id and s.operation_id = _operation_id) m
        on m.line_id = d.line_id and d.disposition = 'restock';
    update stockroom.refunds
       set state = case when state = 'failed' then 'failed'
                        when exists (select from unnest(_said) d where d.disposition = 'inspect') then 'inspecting'
                        else 'decided' end,
           decided_at = now(), decided_by = _who
     where id = _refund_id;
end $$;

-- Refuse an empty decision, one about an unknown refund or line, and one that restocks the same line twice. An order whose cart
-- was never read has no lines; its refund allows every decision but "back on the shelf".
create function stockroom_api.refuse_decision(_refund stockroom.refunds, _said stockroom_api.decision[]) returns void
    language plpgsql as $$
declare
    _why text := case
        when _refund.id is null then 'is not known'
        when _refund.order_id is null then 'belongs to a payment that was never imported; import that order first'
        when cardinality(_said) = 0 then 'needs a decision'
        when exists (select from unnest(_said) d
                      where d.disposition is null or d.quantity is null
                         or d.quantity not between case when d.line_id is null then 0 else 1 end and 1000000
                         or d.disposition not in ('restock', 'damaged', 'not_returned', 'goodwill', 'inspect')) then
            'needs a known decision and at least one unit for each line'
        when exists (select from unnest(_said) d where d.line_id is not null and not exists (
                select from stockroom.order_lines l where l.id = d.line_id and l.order_id = _refund.order_id)) then
            'names a line of another order'
        when exists (select from unnest(_said) d where d.line_id is null and (d.disposition = 'restock'
                or exists (select from stockroom.order_lines l
                            where l.order_id = _refund.order_id and l.state not in ('bundle', 'no_goods', 'replaced')))) then
            'needs a line of its order, to know which goods are meant'
        when exists (select from unnest(_said) d where d.disposition = 'restock' group by d.line_id having count(*) > 1) then
            'names the same line twice' end;
begin
    if _why is not null then
        perform stockroom_api.refuse_value('refund', _why);
    end if;
end $$;

-- Count restored units on their lines, locked in ascending id. A CHECK on the line allows no more than were taken.
create function stockroom_api.count_restored(_order_id bigint, _said stockroom_api.decision[]) returns void
    language plpgsql as $$
declare
    _over jsonb;
begin
    perform 1 from stockroom.order_lines l where l.order_id = _order_id order by l.id for no key update;
    select jsonb_agg(jsonb_build_object('line_id', l.id, 'code', l.code, 'taken', l.taken, 'restored', l.restored,
               'asked', d.quantity) order by l.position)
      into _over
      from unnest(_said) d join stockroom.order_lines l on l.id = d.line_id
     where d.disposition = 'restock' and l.restored + d.quantity > l.taken;
    if _over is not null then
        perform stockroom_api.refuse('SK006', 'More units would be restored than were sold.', jsonb_build_object('lines', _over));
    end if;
    update stockroom.order_lines l set restored = l.restored + d.quantity
      from unnest(_said) d where d.line_id = l.id and d.disposition = 'restock';
end $$;

-- Put units back on the shelf: one restoration movement for each line with the decision 'restock'.
create function stockroom_api.restock(
    _operation_id bigint, _who text, _refund stockroom.refunds, _said stockroom_api.decision[], _note text
) returns setof stockroom_api.posting
    language plpgsql as $$
declare
    _line_ids bigint[] := array(
        select l.id from unnest(_said) d join stockroom.order_lines l on l.id = d.line_id
         where d.disposition = 'restock' order by l.position);
    _lines stockroom.line[] := array(
        select row (l.variant_id, 'restoration', 'refund', d.quantity, null, 'refund', _refund.refund_id, null, _note)::stockroom.line
          from unnest(_said) d join stockroom.order_lines l on l.id = d.line_id
         where d.disposition = 'restock' order by l.position);
begin
    if cardinality(_lines) = 0 then
        return;
    end if;
    perform stockroom_api.check_lines(_lines);
    perform stockroom_api.lock_variants(array(select distinct (l).variant_id from unnest(_lines) l));
    return query
        with posted as materialized (
            select p.*, p.n as place from stockroom_api.post_lines(_operation_id, _who, _lines) with ordinality
                   p (operation_id, replayed, movement_id, variant_id, sku, movement_type, reason, quantity, quantity_before,
                      quantity_after, variant_sequence, n)
        ), linked as (
            insert into stockroom.order_line_movements (movement_id, line_id)
            select p.movement_id, _line_ids[p.place] from posted p
        )
        select p.operation_id, p.replayed, p.movement_id, p.variant_id, p.sku, p.movement_type, p.reason, p.quantity,
               p.quantity_before, p.quantity_after, p.variant_sequence
          from posted p order by p.movement_id;
end $$;

grant execute on function
    stockroom_api.record_refunds(jsonb),
    stockroom_api.decide_refund(text, bigint, bigint, text[], text, bigint, jsonb, text)
    to stockroom_app;
