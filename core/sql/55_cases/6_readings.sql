-- Choosing one of the possible readings of an order's cart: for this order, or as the shop's cart mapping.

-- Refuse if an order does not wait for this reading anymore: two people choose one after the other, and the first wins. Refuses: SK008.
create function stockroom_api.refuse_stale(_order stockroom.orders, _reading jsonb) returns void
    language plpgsql as $$
begin
    if _order.cart_state = 'read' then
        perform stockroom_api.refuse_value('order', 'has its lines already; somebody has chosen them, or they came with a later '
            'message. Nothing was changed. Reload the page to see them');
    elsif not exists (select from jsonb_array_elements(coalesce(_order.readings, '[]')) r (reading) where r.reading = _reading) then
        perform stockroom_api.refuse_value('reading', 'is not one of this order anymore. Nothing was changed. Reload the page and '
            'choose again');
    elsif not exists (select from stockroom.alerts a where a.cause = 'cart:' || _order.payment_id and a.state <> 'resolved') then
        perform stockroom_api.refuse_value('case', 'of this cart was resolved already. Nothing was changed');
    end if;
end $$;

-- Make a reading the lines of an order and take them off the shelf. Returns the lines as they are afterwards. Refuses: SK003, SK008,
-- SK009, SK010.
create function stockroom_api.take_reading(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _reading jsonb
) returns table (line_id bigint, state text, cause text, taken int, oversold int)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order(_order_id);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'take_reading', format('%s %s', _order_id, md5(_reading::text)), _user_id, _who);
    _lines jsonb := _reading -> 'lines';
    _goods bigint;
begin
    if _operation_id is not null then
        perform stockroom_api.refuse_stale(_order, _reading);
        select case when count(*) = count(l.unit_price) then sum(l.quantity * l.unit_price) end into _goods
          from jsonb_populate_recordset(null::stockroom_api.told_line, _lines) l;
        update stockroom.orders o
           set cart_state = 'read', cart_source = _reading ->> 'source', difference = null, extras = o.amount - _goods,
               tolerated = case when abs(o.amount - (_reading ->> 'amount')::bigint) > jsonb_array_length(_lines)
                                then o.amount - (_reading ->> 'amount')::bigint end,
               tolerance = null
         where o.id = _order_id;
        perform stockroom_api.record_lines(array[_order_id], array[jsonb_populate_record(null::stockroom_api.told_order,
            jsonb_build_object('payment_id', _order.payment_id, 'lines', _lines))]);
        perform stockroom_api.note_change(_user_id, _who, 'reading_chosen', stockroom_api.order_name(_order), null,
            jsonb_build_object('reading', _reading -> 'how'));
        perform stockroom_api.take_lines(array[_order_id], array[_operation_id], 'stock_decrease', _user_id, _who, null);
        perform stockroom_api.review_orders(array[_order_id], _who);
        perform stockroom_api.resolve_cause('cart:' || _order.payment_id, _who, 'These lines were taken: ' || (_reading ->> 'how'));
    end if;
    return query select l.id, l.state, l.cause, l.taken, l.oversold
                   from stockroom.order_lines l where l.order_id = _order_id and l.state <> 'replaced' order by l.position;
end $$;

-- Make a reading's mapping the shop's cart mapping, unless it was changed since the page showed `_seen`, and have the messages of
-- the orders that wait for a cart processed again. The key of the buyer's address stays. Returns how many orders there are.
-- Refuses: SK008, SK009, SK010.
create function stockroom_api.always_read(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _reading jsonb, _seen jsonb
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order(_order_id);
    _link stockroom.stripe_link;
    _waiting bigint[];
begin
    select * into strict _link from stockroom.stripe_link for no key update;
    if _link.cart_mapping is distinct from nullif(_seen, 'null') then
        perform stockroom_api.refuse_value('mapping', 'of the shop was changed since this page was opened. Nothing was changed. '
            'Reload the page and choose again');
    end if;
    perform stockroom_api.refuse_stale(_order, _reading);
    if nullif(_reading -> 'mapping', 'null') is null then
        perform stockroom_api.refuse_value('reading', 'cannot be a mapping; take these lines for this order only');
    end if;
    perform stockroom_api.save_stripe_link(_user_id, _session_id, _roles, _name, jsonb_build_object('cart_mapping',
        jsonb_strip_nulls(jsonb_build_object('email', _link.cart_mapping -> 'email')) || (_reading -> 'mapping')));
    _waiting := array(select c.id from stockroom_api.cartless_orders c order by c.id desc limit 1000);
    perform stockroom_api.note_try('cart:' || o.payment_id, _who) from stockroom.orders o where o.id = any (_waiting);
    update stockroom.stripe_events e set state = 'new', due_at = clock_timestamp(), attempts = 0
      from stockroom.orders o where o.id = any (_waiting) and e.payment_id = o.payment_id and e.state = 'done';
    return cardinality(_waiting);
end $$;

-- The possible readings of an order that waits for a person to choose one.
create view stockroom_api.order_readings as
select o.id as order_id, o.readings
  from stockroom.orders o
 where o.cart_state <> 'read' and o.readings is not null
   and exists (select from stockroom.alerts a where a.cause = 'cart:' || o.payment_id and a.state <> 'resolved');

grant select on stockroom_api.order_readings to stockroom_app;
grant execute on function
    stockroom_api.take_reading(text, bigint, bigint, text[], text, bigint, jsonb),
    stockroom_api.always_read(bigint, bigint, text[], text, bigint, jsonb, jsonb)
    to stockroom_app;
