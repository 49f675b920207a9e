-- Buyers who wait for goods: open lines with a variant, and oversold units of which a person says that the buyer waits for them.

-- Each line that a buyer waits for, with the units that are missing. `ahead`: what buyers who paid earlier wait for of the same
-- variant. `is_here`: there is enough for it after them. Orders whose whole money went back wait for nothing.
create view stockroom_api.waiting_lines as
select q.*, v.sku, v.size, p.name as product, v.computed_available_stock as available,
       v.computed_available_stock >= q.ahead + q.units as is_here
  from (
    select l.*, coalesce(sum(l.units) over (partition by l.variant_id order by l.paid_at, l.order_id, l.position
               rows between unbounded preceding and 1 preceding), 0)::bigint as ahead
      from (
        select l.id as line_id, l.order_id, stockroom_api.order_name(o) as order_name, o.name as buyer, o.email, o.paid_at,
               l.position, l.variant_id, l.awaited_at,
               case l.state when 'failed' then l.quantity - l.taken - l.oversold else l.oversold end as units
          from stockroom.order_lines l
          join stockroom.orders o on o.id = l.order_id
         where l.variant_id is not null
           and (l.state = 'failed' or l.awaited_at is not null and l.oversold > 0)
           and not exists (select from stockroom_api.refund_extents e where e.order_id = l.order_id and e.is_whole)) l) q
  join public.product_variants v on v.id = q.variant_id
  left join public.products p on p.id = v.product_id;

-- Take what buyers wait for of these orders off the shelf, as far as it is there: first paid, first served. A line whose units are
-- not all there stays as it is. Each order has an operation of its own. Returns the movements. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.send_waiting(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_ids bigint[]
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _ids bigint[] := array(select distinct w.id from unnest(_order_ids) w (id) order by w.id);
    _operations bigint[] := array(
        select stockroom_api.claim_operation(left(format('%s:%s', _key, w.id), 200), 'send_waiting', w.id::text, _user_id, _who)
          from unnest(_ids) w (id) order by w.id);
    _awaited bigint[];
begin
    if cardinality(_ids) not between 1 and 500 then
        perform stockroom_api.refuse_value('orders', 'must be 1 to 500 at once');
    end if;
    if array_position(_operations, null) is null then
        perform 1 from stockroom.orders o where o.id = any (_ids) order by o.id for no key update;
        perform 1 from stockroom.order_lines l where l.order_id = any (_ids) order by l.id for no key update;
        _awaited := array(select w.line_id from stockroom_api.waiting_lines w where w.order_id = any (_ids) and w.awaited_at is not null);
        update stockroom.order_lines l set oversold = 0, state = 'failed', cause = 'insufficient_stock' where l.id = any (_awaited);
        perform stockroom_api.take_lines(_ids, _operations, 'stock_decrease', _user_id, _who, null);
        update stockroom.order_lines l set oversold = l.quantity - l.taken, state = 'resolved', cause = null
         where l.id = any (_awaited) and l.state = 'failed';
        update stockroom.order_lines l set awaited_at = null where l.id = any (_awaited) and l.state = 'taken';
        perform stockroom_api.review_orders(_ids, _who);
    end if;
    return query
        select r.* from unnest(_ids) w (id) cross join lateral stockroom_api.replay(left(format('%s:%s', _key, w.id), 200)) r;
end $$;

-- Say whether the buyer waits for the oversold units of a line. Refuses: SK008, SK009, SK010.
create function stockroom_api.set_awaited(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _line_id bigint, _is_awaited boolean
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order((select l.order_id from stockroom.order_lines l where l.id = _line_id));
    _line stockroom.order_lines;
begin
    select * into _line from stockroom.order_lines l where l.id = _line_id for no key update;
    if _line.oversold = 0 or _line.state <> 'resolved' then
        perform stockroom_api.refuse_value('line', 'has no oversold units');
    end if;
    update stockroom.order_lines l set awaited_at = case when _is_awaited then coalesce(l.awaited_at, now()) end where l.id = _line_id;
    perform stockroom_api.note_change(_user_id, _who, 'units_awaited', stockroom_api.order_name(_order),
        jsonb_build_object('awaited', _line.awaited_at is not null), jsonb_build_object('awaited', _is_awaited))
      where (_line.awaited_at is not null) <> _is_awaited;
end $$;

grant select on stockroom_api.waiting_lines to stockroom_app;
grant execute on function
    stockroom_api.send_waiting(text, bigint, bigint, text[], text, bigint[]),
    stockroom_api.set_awaited(bigint, bigint, text[], text, bigint, boolean)
    to stockroom_app;
