-- Goods that come back without a refund or after it was decided, and decisions that are taken back.

-- Take in goods of an order that came back: back on the shelf with `_reason`, or damaged, which moves no stock. They are noted like
-- the decisions of a refund, but without one. Refuses: SK003, SK006, SK008, SK009, SK010, SK013.
create function stockroom_api.take_in(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _goods jsonb, _reason text,
    _note text, _seen text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'take_in', format('%s %s %s %L', _order_id, _goods, _reason, _note), _user_id, _who);
    _said stockroom_api.decision[] := array(select d from jsonb_populate_recordset(null::stockroom_api.decision, _goods) d);
    _order stockroom.orders;
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    _order := stockroom_api.lock_order(_order_id);
    perform stockroom_api.lock_goods(_order_id);
    perform stockroom_api.refuse_decided(_order_id, _seen);
    perform stockroom_api.refuse_goods(_order_id, _said);
    perform stockroom_api.count_restored(_order_id, _said);
    return query select * from stockroom_api.restock(
        _operation_id, _who, _said, _reason, 'order', left(coalesce(_order.number, _order.payment_id), 200), _note);
    perform stockroom_api.note_decisions(_operation_id, _who, null, _said, _note);
end $$;

-- Refuse goods that did not come from a line of this order, an unknown condition, and more units than left the shelf for the line
-- and have not come back yet. Refuses: SK006, SK008.
create function stockroom_api.refuse_goods(_order_id bigint, _said stockroom_api.decision[]) returns void
    language plpgsql as $$
declare
    _why text := case
        when cardinality(_said) = 0 then 'need at least one line'
        when exists (select from unnest(_said) d where d.disposition is null or d.disposition not in ('restock', 'damaged')
                         or d.quantity is null or d.quantity not between 1 and 1000000) then
            'need a condition, and at least one unit for each line'
        when exists (select from unnest(_said) d where not exists (
                select from stockroom.order_lines l where l.id = d.line_id and l.order_id = _order_id)) then
            'name a line of another order'
        when exists (select from unnest(_said) d group by d.line_id, d.disposition having count(*) > 1) then
            'name the same line twice' end;
    _over jsonb;
begin
    if _why is not null then
        perform stockroom_api.refuse_value('goods', _why);
    end if;
    select jsonb_agg(jsonb_build_object('line_id', l.id, 'code', l.code, 'taken', l.taken, 'restored', l.restored + d.damaged,
               'asked', s.asked) order by l.position)
      into _over
      from (select x.line_id, sum(x.quantity) as asked from unnest(_said) x group by x.line_id) s
      join stockroom.order_lines l on l.id = s.line_id
     cross join lateral (select coalesce(sum(x.quantity), 0) as damaged from stockroom_api.order_decisions x
                          where x.line_id = l.id and x.disposition = 'damaged' and x.stands) d
     where l.restored + d.damaged + s.asked > l.taken;
    if _over is not null then
        perform stockroom_api.refuse('SK006', 'More units would be restored than were sold.', jsonb_build_object('lines', _over));
    end if;
end $$;

-- Take back what an operation decided about an order's goods; `_decided` is its key. Units that went on the shelf leave it again,
-- and its refund waits for a decision. People take back their own decisions, and those in a role of `_anybodys` all.
-- Refuses: SK002, SK003, SK005, SK008, SK009, SK010.
create function stockroom_api.take_back(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _anybodys text[], _decided text, _note text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'take_back', format('%L %L', _decided, _note), _user_id, _who);
    _taken stockroom.operations;
    _refund_ids bigint[];
    _movement_ids bigint[];
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    select * into _taken from stockroom.operations o where o.key = _decided and o.kind in ('decide_refund', 'take_in', 'exchange');
    if not found then
        perform stockroom_api.refuse_value('decision', 'is not known');
    elsif _taken.user_id is distinct from _user_id then
        perform stockroom_api.require(_user_id, _session_id, _anybodys, _name);
    end if;
    _refund_ids := stockroom_api.lock_decided(_taken.id);
    select array_agg(m.id) into _movement_ids
      from (select s.movement_id as id from stockroom_api.standing_of(_taken.id) s where s.movement_id is not null
            union
            select m.id from public.stock_movements m where m.operation_id = _taken.id and _taken.kind = 'exchange') m;
    insert into stockroom.decisions_taken_back (decision_id, operation_id, taken_back_by)
    select s.id, _operation_id, _who from stockroom_api.standing_of(_taken.id) s order by s.id;
    if not found then
        perform stockroom_api.refuse('SK005', 'This movement was already undone.', jsonb_build_object('decision', true));
    end if;
    if _movement_ids is not null then
        return query select * from stockroom_api.reverse_movements(_operation_id, _who, _movement_ids, _note);
    end if;
    perform stockroom_api.wait_again(_refund_ids, _who);
end $$;

-- The decisions of an operation that still stand.
create function stockroom_api.standing_of(_operation_id bigint) returns table (id bigint, movement_id bigint)
    language sql stable as $$
    select d.id, d.movement_id from stockroom.refund_decisions d
     where d.operation_id = _operation_id
       and not exists (select from stockroom.decisions_taken_back t where t.decision_id = d.id)
       and not exists (select from public.stock_movements u where u.reverses_id = d.movement_id);
$$;

-- Lock the order, the refunds and the lines that an operation decided about. Returns the refunds, in ascending order.
create function stockroom_api.lock_decided(_operation_id bigint) returns bigint[]
    language plpgsql as $$
declare
    _refund_ids bigint[];
    _order_id bigint;
begin
    select array_agg(distinct d.refund_id order by d.refund_id) filter (where d.refund_id is not null),
           max(coalesce(r.order_id, l.order_id))
      into _refund_ids, _order_id
      from stockroom.refund_decisions d
      left join stockroom.refunds r on r.id = d.refund_id
      left join stockroom.order_lines l on l.id = d.line_id
     where d.operation_id = _operation_id;
    perform stockroom_api.lock_goods(_order_id);
    perform 1 from stockroom.refunds r where r.id = any (_refund_ids) order by r.id for no key update;
    return _refund_ids;
end $$;

-- Have refunds wait for a decision again, or for the inspection that still stands. If one failed and nothing is on the shelf for it
-- anymore, its case ends.
create function stockroom_api.wait_again(_refund_ids bigint[], _who text) returns void
    language plpgsql as $$
begin
    update stockroom.refunds r
       set state = case when r.state = 'failed' then 'failed'
                        when stockroom_api.has_inspections(r.id) then 'inspecting' else 'waiting' end,
           decided_at = null, decided_by = null
     where r.id = any (_refund_ids);
    perform stockroom_api.resolve_cause('refund:' || r.refund_id, _who, 'The decision was taken back')
       from stockroom.refunds r
      where r.id = any (_refund_ids) and r.state = 'failed'
        and exists (select from stockroom.alerts a where a.cause = 'refund:' || r.refund_id and a.state <> 'resolved')
        and not exists (select from stockroom_api.order_decisions d
                         where d.order_id = r.order_id and d.refund_id = r.id and d.disposition = 'restock' and d.stands);
end $$;

-- The orders from which money went back, and whether that was all of it.
create view stockroom_api.refund_extents as
select f.order_id, f.refunded >= o.amount as is_whole
  from stockroom_api.refunded_orders f
  join stockroom.orders o on o.id = f.order_id
 where f.refunded > 0;

grant execute on function
    stockroom_api.take_in(text, bigint, bigint, text[], text, bigint, jsonb, text, text, text),
    stockroom_api.take_back(text, bigint, bigint, text[], text, text[], text, text)
    to stockroom_app;
