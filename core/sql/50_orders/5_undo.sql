-- Undo by hand: post the opposite movement, linked to the one it reverses, once. A movement of an order is also undone on its
-- line, so that the counters stay right; one of a delivery opens its delivery again.

-- Undo movements, all or none. Refuses: SK001, SK002, SK003, SK005, SK006, SK008, SK009, SK010.
create function stockroom_api.post_undo(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _movement_ids bigint[], _note text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'undo', _movement_ids::text || coalesce(_note, ''), _user_id, _performed_by);
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
    else
        return query select * from stockroom_api.reverse_movements(_operation_id, _performed_by, _movement_ids, _note);
    end if;
end $$;

-- Post the opposite of each movement for a claimed operation, all or none, and review the orders they belong to. Refuses: SK001,
-- SK002, SK005, SK006, SK008.
create function stockroom_api.reverse_movements(_operation_id bigint, _performed_by text, _movement_ids bigint[], _note text)
    returns setof stockroom_api.posting
    language plpgsql as $$
declare
    _ids bigint[] := stockroom_api.whole_exchanges(_movement_ids);
    _order_ids bigint[] := stockroom_api.lock_orders_of(_ids);
begin
    perform stockroom_api.reopen_goods(_operation_id, _performed_by, _ids);
    return query select * from stockroom_api.post_opposites(_operation_id, _performed_by, _ids, _note);
    perform stockroom_api.drop_exchanges(_operation_id, _performed_by, _ids);
    perform stockroom_api.review_orders(_order_ids, _performed_by);
end $$;

-- These movements, with the rest of an exchange that one of them belongs to: an exchange is undone as a whole.
create function stockroom_api.whole_exchanges(_movement_ids bigint[]) returns bigint[]
    language sql stable as $$
    select array(
        select unnest(_movement_ids)
        union
        select m.id
          from public.stock_movements x
          join stockroom.operations p on p.id = x.operation_id and p.kind = 'exchange'
          join public.stock_movements m on m.operation_id = p.id
         where x.id = any (_movement_ids)
           and not exists (select from public.stock_movements u where u.reverses_id = m.id));
$$;

-- Keep these lines of an order as replaced, without units. A replaced line has a negative position.
create function stockroom_api.replace_lines(_order_id bigint, _line_ids bigint[]) returns void
    language sql as $$
    update stockroom.order_lines x
       set state = 'replaced', cause = null, taken = 0, oversold = 0, position = w.place
      from (select y.id, least(min(y.position) over (), 0) - row_number() over (order by y.position)::int as place
              from stockroom.order_lines y where y.order_id = _order_id) w
     where x.id = w.id and x.id = any (_line_ids);
$$;

-- Replace the lines that went out in exchanges which were undone, and take back what was decided about the goods that came back.
create function stockroom_api.drop_exchanges(_operation_id bigint, _who text, _movement_ids bigint[]) returns void
    language plpgsql as $$
declare
    _lines bigint[] := array(
        select l.id from stockroom_api.line_movements x
          join stockroom.order_lines l on l.id = x.line_id
         where x.movement_id = any (_movement_ids) and l.exchange_of is not null and l.state = 'failed' and l.taken = 0);
begin
    if cardinality(_lines) = 0 then
        return;
    end if;
    perform stockroom_api.replace_lines(o.id, _lines)
       from (select distinct l.order_id as id from stockroom.order_lines l where l.id = any (_lines)) o;
    insert into stockroom.decisions_taken_back (decision_id, operation_id, taken_back_by)
    select d.id, _operation_id, _who
      from stockroom.refund_decisions d
     where d.movement_id is null
       and d.operation_id in (select m.operation_id from stockroom_api.line_movements x
                                join public.stock_movements m on m.id = x.movement_id
                               where x.line_id = any (_lines) and m.id = any (_movement_ids))
       and not exists (select from stockroom.decisions_taken_back t where t.decision_id = d.id)
     order by d.id;
end $$;

-- Post the opposite of each movement and count it on the line it belongs to. The orders and their lines are locked. Refuses: as
-- `reverse_movements`.
create function stockroom_api.post_opposites(_operation_id bigint, _performed_by text, _movement_ids bigint[], _note text)
    returns setof stockroom_api.posting
    language plpgsql as $$
declare
    _lines stockroom.line[] := array(
        select row (m.variant_id, m.movement_type, 'undo', -m.quantity, null, m.reference_type, m.reference_id, m.id, _note)
               ::stockroom.line
          from public.stock_movements m where m.id = any (_movement_ids) order by m.id desc);
begin
    perform stockroom_api.lock_variants(array(select (l).variant_id from unnest(_lines) l));
    perform stockroom_api.refuse_undo(_movement_ids);
    perform stockroom_api.check_lines(_lines);
    perform stockroom_api.count_undone(_movement_ids);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
    insert into stockroom.order_line_movements (movement_id, line_id)
    select m.id, x.line_id
      from public.stock_movements m
      join stockroom_api.line_movements x on x.movement_id = m.reverses_id
     where m.operation_id = _operation_id;
end $$;

-- Open the deliveries of these movements again, before any variant is locked: units that are undone are counted and not posted.
create function stockroom_api.reopen_goods(_operation_id bigint, _performed_by text, _movement_ids bigint[]) returns void
    language plpgsql as $$
declare
    _ids bigint[] := array(
        select distinct l.delivery_id from stockroom.goods_movements x
          join stockroom.goods_lines l on l.id = x.line_id
         where x.movement_id = any (_movement_ids));
begin
    if cardinality(_ids) = 0 then
        return;
    end if;
    perform 1 from stockroom.goods_deliveries d where d.id = any (_ids) order by d.id for no key update;
    update stockroom.goods_deliveries d
       set state = 'in_progress', revision = d.revision + 1, closed_by = null, closed_at = null
     where d.id = any (_ids);
    with undone as (
        select x.line_id, sum(m.quantity)::int as units
          from stockroom.goods_movements x
          join public.stock_movements m on m.id = x.movement_id
         where x.movement_id = any (_movement_ids)
           and not exists (select from public.stock_movements u where u.reverses_id = m.id)
         group by x.line_id
    ), moved as (
        update stockroom.goods_lines l set received = l.received - u.units, scanned = l.scanned + u.units
          from undone u where l.id = u.line_id
        returning l.delivery_id, u.units
    )
    insert into stockroom.goods_steps (delivery_id, operation_id, step, revision, units, done_by)
    select d.id, _operation_id, 'undone', d.revision, sum(m.units), _performed_by
      from moved m join stockroom.goods_deliveries d on d.id = m.delivery_id
     group by d.id, d.revision;
end $$;

-- Lock the orders of these movements and their lines, before any variant; returns the orders.
create function stockroom_api.lock_orders_of(_movement_ids bigint[]) returns bigint[]
    language plpgsql as $$
declare
    _order_ids bigint[] := array(
        select distinct l.order_id from stockroom_api.line_movements x
          join stockroom.order_lines l on l.id = x.line_id
         where x.movement_id = any (_movement_ids));
begin
    perform 1 from stockroom.orders o where o.id = any (_order_ids) order by o.id for no key update;
    perform 1 from stockroom.order_lines l where l.order_id = any (_order_ids) order by l.id for no key update;
    return _order_ids;
end $$;

-- Refuse a movement that cannot be undone: it is unknown, already undone, itself an undo, or a sale without an order here. The
-- variants are locked.
create function stockroom_api.refuse_undo(_movement_ids bigint[]) returns void
    language plpgsql as $$
declare
    _bad record;
begin
    select u.id, m.id is null as unknown, r.id as reversed_by, r.performed_by, r.created_at, m.reason, m.movement_type, m.quantity
      into _bad
      from unnest(_movement_ids) u (id)
      left join public.stock_movements m on m.id = u.id
      left join public.stock_movements r on r.reverses_id = m.id
      left join stockroom_api.line_movements x on x.movement_id = m.id
     where m.id is null or r.id is not null or m.reason = 'undo' or m.quantity = 0
        or (m.movement_type in ('sale', 'restoration') and x.movement_id is null)
     order by u.id limit 1;
    if not found then
        return;
    end if;
    if _bad.reversed_by is not null then
        perform stockroom_api.refuse('SK005', 'This movement was already undone.', jsonb_build_object('movement_id', _bad.id,
            'reversed_by', _bad.reversed_by, 'performed_by', _bad.performed_by, 'reversed_at', _bad.created_at));
    end if;
    perform stockroom_api.refuse_value('movement', case
            when _bad.unknown then 'is not in the ledger'
            when _bad.reason = 'undo' then 'is an undo itself; post the change again instead'
            when _bad.quantity = 0 then 'moved nothing'
            else 'belongs to a sale outside Stockroom; change it there, or adjust the level' end,
        jsonb_build_object('movement_id', _bad.id));
end $$;

-- How many units each order line loses when these movements are undone: of what was sold, and of what was put back.
create function stockroom_api.undone_units(_movement_ids bigint[]) returns table (line_id bigint, sold int, back int)
    language sql stable as $$
    select x.line_id, coalesce(-sum(m.quantity) filter (where m.movement_type = 'sale'), 0)::int,
           coalesce(sum(m.quantity) filter (where m.movement_type = 'restoration'), 0)::int
      from public.stock_movements m
      join stockroom_api.line_movements x on x.movement_id = m.id
     where m.id = any (_movement_ids)
     group by x.line_id;
$$;

-- Count undone sales and restorations on their order lines. An undone sale opens its line again; an undone restoration opens its
-- refund for a decision again. Refuses: SK006 if the sold units have been put back already.
create function stockroom_api.count_undone(_movement_ids bigint[]) returns void
    language plpgsql as $$
declare
    _over jsonb := (
        select jsonb_agg(jsonb_build_object('line_id', l.id, 'code', l.code, 'taken', l.taken, 'restored', l.restored,
                   'asked', u.sold) order by l.id)
          from stockroom_api.undone_units(_movement_ids) u join stockroom.order_lines l on l.id = u.line_id
         where l.taken - u.sold < l.restored - u.back);
begin
    if _over is not null then
        perform stockroom_api.refuse('SK006', 'More units would be restored than were sold.',
            jsonb_build_object('lines', _over));
    end if;
    update stockroom.order_lines l
       set taken = l.taken - u.sold, restored = l.restored - u.back,
           state = case when u.sold > 0 then 'failed' else l.state end,
           cause = case when u.sold > 0 then 'undone' else l.cause end
      from stockroom_api.undone_units(_movement_ids) u
     where l.id = u.line_id;
    update stockroom.refunds r
       set state = case when exists (select from stockroom.inspection_results i where i.decision_id = d.id) then 'inspecting' else 'waiting' end
      from stockroom.refund_decisions d
     where d.movement_id = any (_movement_ids) and r.id = d.refund_id and r.state = 'decided';
end $$;

grant execute on function stockroom_api.post_undo(text, bigint, bigint, text[], text, bigint[], text) to stockroom_app;
