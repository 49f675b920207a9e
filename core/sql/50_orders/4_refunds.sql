-- Refunds: Stripe reports the money, a person decides about the goods, and never more goes back on the shelf than was sold.

-- A refund as Stripe reports it, or a lost dispute. `told_at` is the date of the message; `asked_at` is set if Stripe was asked for
-- its present state.
create type stockroom_api.told_refund as (
    refund_id text, payment_id text, charge_id text, amount bigint, currency text, status text, reason text,
    failure_reason text, refunded_at timestamptz, told_at timestamptz, asked_at timestamptz, kind text
);

-- The latest of several messages about each refund. `is_unclear`: messages of the same second name different states.
create function stockroom_api.latest_refunds(_refunds jsonb)
    returns table (told stockroom_api.told_refund, is_unclear boolean, order_id bigint)
    language sql stable as $$
    select distinct on (t.refund_id) row (t.*)::stockroom_api.told_refund,
           t.asked_at is null and min(t.status) over same <> max(t.status) over same, o.id
      from jsonb_populate_recordset(null::stockroom_api.told_refund, _refunds) t
      left join stockroom.orders o on o.payment_id = coalesce(t.payment_id, t.charge_id) or o.charge_id = t.charge_id
    window same as (partition by t.refund_id, t.told_at, t.asked_at)
     order by t.refund_id, greatest(t.told_at, t.asked_at) desc, t.asked_at desc nulls last, stockroom_api.state_rank(t.status) desc;
$$;

-- Record refunds and link each to its order if that is known. A later message counts more, and an answer of Stripe more than a
-- message of the same moment. Of two messages of one second the state that has come further counts until Stripe is asked. Cases that
-- a refund makes pointless end. A refund that failed after units went back opens a case; it moves no stock. Orders are locked before
-- refunds, as everywhere.
create function stockroom_api.record_refunds(_refunds jsonb) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _ids bigint[];
    _changed bigint[];
begin
    perform 1 from stockroom.orders o
      where o.id in (select l.order_id from stockroom_api.latest_refunds(_refunds) l) order by o.id for no key update;
    update stockroom.refunds r set is_unclear = true
      from stockroom_api.latest_refunds(_refunds) l
     where r.refund_id = (l.told).refund_id and (l.told).asked_at is null and r.status <> (l.told).status
       and (l.told).told_at between r.told_at and greatest(r.told_at, r.asked_at);
    with known as materialized (
        select r.refund_id, r.status, r.amount, r.order_id from stockroom.refunds r
         where r.refund_id in (select (l.told).refund_id from stockroom_api.latest_refunds(_refunds) l)
    ), saved as (
        insert into stockroom.refunds as r (refund_id, order_id, payment_id, charge_id, amount, currency, status, reason,
               failure_reason, refunded_at, told_at, asked_at, kind, is_unclear, state)
        select t.refund_id, l.order_id, t.payment_id, t.charge_id, t.amount, t.currency, t.status, t.reason, t.failure_reason,
               t.refunded_at, t.told_at, t.asked_at, coalesce(t.kind, 'refund'), l.is_unclear,
               case when t.status in ('failed', 'canceled') then 'failed'
                    when exists (select from stockroom.orders o where o.id = l.order_id
                                    and stockroom_api.is_release(coalesce(t.kind, 'refund'), t.amount, t.refunded_at, o))
                      or l.order_id is null and stockroom_api.is_cancelled(t.payment_id) then 'released'
                    else 'waiting' end
          from stockroom_api.latest_refunds(_refunds) l cross join lateral (select (l.told).*) t
         order by t.refund_id
        on conflict (refund_id) do update
           set status = excluded.status, amount = excluded.amount, reason = coalesce(excluded.reason, r.reason),
               failure_reason = excluded.failure_reason, told_at = greatest(r.told_at, excluded.told_at), asked_at = excluded.asked_at,
               is_unclear = excluded.asked_at is null and (excluded.is_unclear or r.is_unclear and r.told_at = excluded.told_at),
               order_id = coalesce(r.order_id, excluded.order_id), payment_id = coalesce(r.payment_id, excluded.payment_id),
               charge_id = coalesce(r.charge_id, excluded.charge_id),
               state = case when excluded.state = 'failed' then 'failed' when r.state <> 'failed' then r.state
                            when exists (select from stockroom_api.order_decisions d
                                          where d.order_id = r.order_id and d.refund_id = r.id and d.stands) then 'decided'
                            else excluded.state end
         where stockroom_api.counts_more(r.told_at, r.asked_at, r.status, excluded.told_at, excluded.asked_at, excluded.status)
        returning r.id, r.refund_id, r.status, r.amount, r.order_id
    )
    select coalesce(array_agg(s.id), '{}'),
           array_agg(distinct s.order_id) filter (where (k.status, k.amount, k.order_id) is distinct from (s.status, s.amount, s.order_id))
      into _ids, _changed
      from saved s left join known k on k.refund_id = s.refund_id;
    if _changed is not null then
        perform stockroom_api.follow_refunds(_changed);
    end if;
    perform stockroom_api.question_refunds(_ids);
    return cardinality(_ids);
end $$;

-- Open a case for each of these refunds that failed after units were put back for it.
create function stockroom_api.question_refunds(_ids bigint[]) returns void
    language sql as $$
    select stockroom_api.open_alerts(array(
        select row ('refund_failed', 'urgent', 'refund:' || r.refund_id,
                    format('A refund of %s of order %s failed after %s put back on the shelf for it',
                           stockroom_api.money_text(r.amount, r.currency), stockroom_api.order_name(o),
                           case d.units when 1 then '1 unit was' else d.units || ' units were' end),
                    jsonb_build_object('failure_reason', r.failure_reason, 'status', r.status), r.order_id, r.id, null, null,
                    d.units, r.amount, r.currency)::stockroom_api.new_alert
          from stockroom.refunds r
          join stockroom.orders o on o.id = r.order_id
         cross join lateral (select sum(x.quantity)::int as units from stockroom_api.order_decisions x
                              where x.refund_id = r.id and x.order_id = r.order_id and x.disposition = 'restock' and x.stands) d
         where r.id = any (_ids) and r.state = 'failed' and d.units > 0));
$$;

-- Decide what became of the goods of refunds of one order, line by line, as one operation: [{refund_id, decisions: [{line_id, disposition,
-- quantity}]}]. Only 'restock' moves stock. A refund can be decided in several steps. `_picture` shows the goods. `_seen` is what the
-- page showed (see decided_until); null: no decision. More units than the money is worth need `_is_confirmed`.
-- Refuses: SK003, SK006, SK008, SK009, SK010, SK013.
create function stockroom_api.decide_refunds(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _refunds jsonb, _note text, _picture bytea,
    _seen text, _is_confirmed boolean
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'decide_refund', format('%s %L %s', _refunds, _note, encode(sha256(_picture), 'hex')), _user_id, _who);
    _ids bigint[] := array(select (r ->> 'refund_id')::bigint from jsonb_array_elements(_refunds) r order by 1);
    _order_ids bigint[] := array(select distinct r.order_id from stockroom.refunds r where r.id = any (_ids) and r.order_id is not null);
    _part record;
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    if cardinality(_ids) = 0 or cardinality(_order_ids) > 1 or cardinality(_ids) > (select count(distinct i) from unnest(_ids) i) then
        perform stockroom_api.refuse_value('refund', case when cardinality(_ids) = 0 then 'needs a decision'
                                                          else 'must be of one order, and decided once' end);
    end if;
    perform stockroom_api.lock_goods(_order_ids[1]);
    perform 1 from stockroom.refunds r where r.id = any (_ids) order by r.id for no key update;
    perform stockroom_api.refuse_decided(_order_ids[1], _seen);
    perform stockroom_api.lock_variants(array(
        select distinct l.variant_id from jsonb_array_elements(_refunds) r
         cross join lateral jsonb_populate_recordset(null::stockroom_api.decision, r -> 'decisions') d
          join stockroom.order_lines l on l.id = d.line_id and l.variant_id is not null and l.order_id = any (_order_ids)
         where d.disposition = 'restock'));
    for _part in select (r ->> 'refund_id')::bigint as refund_id,
                        array(select d from jsonb_populate_recordset(null::stockroom_api.decision, r -> 'decisions') d) as said
                   from jsonb_array_elements(_refunds) r order by 1 loop
        return query select * from stockroom_api.decide_one(
            _operation_id, _who, _part.refund_id, _part.said, _note, _is_confirmed);
    end loop;
    if _picture is not null then
        perform stockroom_api.show_decision(_operation_id, _picture);
    end if;
end $$;

-- Decide about one refund for a claimed operation. Its order, lines and refunds are locked. Refuses: SK006, SK008.
create function stockroom_api.decide_one(
    _operation_id bigint, _who text, _refund_id bigint, _said stockroom_api.decision[], _note text, _is_confirmed boolean
) returns setof stockroom_api.posting
    language plpgsql as $$
declare
    _refund stockroom.refunds;
begin
    select * into _refund from stockroom.refunds where id = _refund_id;
    perform stockroom_api.refuse_decision(_refund, _said);
    perform stockroom_api.count_restored(_refund.order_id, _said);
    perform stockroom_api.refuse_unpaid(_refund, _said, _is_confirmed);
    return query select * from stockroom_api.restock(_operation_id, _who, _said, 'refund', 'refund', _refund.refund_id, _note);
    perform stockroom_api.settle_inspections(
        _refund_id, stockroom_api.note_decisions(_operation_id, _who, _refund_id, _said, _note));
    update stockroom.refunds
       set state = case when state = 'failed' then 'failed' when stockroom_api.has_inspections(id) then 'inspecting' else 'decided' end,
           decided_at = now(), decided_by = _who
     where id = _refund_id;
    perform stockroom_api.refuse_inspections(_said);
end $$;

-- Note the decisions of an operation, each with the movement that it caused; returns their ids. `_refund_id` is null if goods came back
-- without one.
create function stockroom_api.note_decisions(
    _operation_id bigint, _who text, _refund_id bigint, _said stockroom_api.decision[], _note text
) returns bigint[]
    language sql as $$
    with noted as (
        insert into stockroom.refund_decisions (refund_id, line_id, disposition, quantity, note, operation_id, movement_id, decided_by)
        select _refund_id, d.line_id, d.disposition, d.quantity, _note, _operation_id, m.movement_id, _who
          from unnest(_said) d
          left join (select x.line_id, x.movement_id from stockroom_api.line_movements x
                       join public.stock_movements s on s.id = x.movement_id and s.operation_id = _operation_id
                      where not exists (select from stockroom.refund_decisions e
                                         where e.operation_id = _operation_id and e.movement_id = x.movement_id)) m
            on m.line_id = d.line_id and d.disposition = 'restock'
        returning id
    )
    select coalesce(array_agg(n.id order by n.id), '{}') from noted n;
$$;

-- Refuse units that cost more than the refund gave back, together with those already decided for it, unless that is confirmed.
-- Goodwill and inspection do not count: they say nothing of goods that came back or should have. One minor unit for each unit is
-- rounding. Refuses: SK008.
create function stockroom_api.refuse_unpaid(_refund stockroom.refunds, _said stockroom_api.decision[], _is_confirmed boolean)
    returns void
    language plpgsql as $$
declare
    _units bigint;
    _worth numeric;
    _paid bigint := (select amount from stockroom.orders where id = _refund.order_id and currency = _refund.currency);
begin
    select sum(x.quantity), sum(x.quantity * w.unit_worth) into _units, _worth
      from (select d.line_id, d.disposition, d.quantity from unnest(_said) d
            union all
            select d.line_id, d.disposition, d.quantity from stockroom_api.order_decisions d
             where d.refund_id = _refund.id and d.order_id = _refund.order_id and d.stands) x
      join stockroom_api.line_worth w on w.line_id = x.line_id
     where x.disposition in ('restock', 'damaged', 'not_returned');
    if _is_confirmed is not true and _paid is not null and _worth > _refund.amount + _units then
        perform stockroom_api.refuse_value('refund', 'gave back less money than these units cost; confirm that all of them are meant',
            jsonb_build_object('refunded', _refund.amount, 'paid', _paid, 'currency', _refund.currency, 'units', _units,
                'worth', round(_worth)::bigint));
    end if;
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
                select from stockroom.order_lines l where l.id = d.line_id and l.order_id = _refund.order_id and l.state <> 'replaced')) then
            'names a line of another order, or one that was replaced'
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

-- Count restored units on their lines, which are locked. A CHECK on the line allows no more than were taken.
create function stockroom_api.count_restored(_order_id bigint, _said stockroom_api.decision[]) returns void
    language plpgsql as $$
declare
    _over jsonb;
begin
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

-- Post movements of order lines, which are locked with their variants, and link each to its line. `_line_ids` has the line of each
-- movement. Refuses: SK002, SK008.
create function stockroom_api.post_of_order(_operation_id bigint, _who text, _lines stockroom.line[], _line_ids bigint[])
    returns setof stockroom_api.posting
    language plpgsql as $$
begin
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

-- Put units back on the shelf: one restoration movement for each line with the decision 'restock', now or at a past moment.
create function stockroom_api.restock(
    _operation_id bigint, _who text, _said stockroom_api.decision[], _reason text, _reference_type text, _reference text, _note text,
    _at timestamptz default null
) returns setof stockroom_api.posting
    language plpgsql as $$
declare
    _line_ids bigint[] := array(
        select l.id from unnest(_said) d join stockroom.order_lines l on l.id = d.line_id
         where d.disposition = 'restock' order by l.position);
    _lines stockroom.line[] := array(
        select row (l.variant_id, 'restoration', _reason, d.quantity, _at, _reference_type, _reference, null, _note)::stockroom.line
          from unnest(_said) d join stockroom.order_lines l on l.id = d.line_id
         where d.disposition = 'restock' order by l.position);
begin
    if cardinality(_lines) = 0 then
        return;
    end if;
    perform stockroom_api.check_lines(_lines);
    perform stockroom_api.lock_variants(array(select distinct (l).variant_id from unnest(_lines) l));
    return query select * from stockroom_api.post_of_order(_operation_id, _who, _lines, _line_ids);
end $$;

grant execute on function
    stockroom_api.record_refunds(jsonb),
    stockroom_api.decide_refunds(text, bigint, bigint, text[], text, jsonb, text, bytea, text, boolean)
    to stockroom_app;
