-- What people do with an order that has a case: retry, map a code, ship what is there, read its cart again.

-- Look up the variants of the open lines that have none yet, in the present catalogue.
create function stockroom_api.name_lines(_order_id bigint) returns void
    language sql as $$
    update stockroom.order_lines l
       set variant_id = n.variant_id, cause = 'insufficient_stock'
      from (select x.id, v.variant_id
              from stockroom.order_lines x cross join lateral stockroom_api.variant_of_line(x.code, x.codes, x.size) v
             where x.order_id = _order_id and x.state = 'failed' and x.variant_id is null) n
     where l.id = n.id and n.variant_id is not null;
$$;

-- Try the open lines of an order again; this is safe at any time, even twice at once. With `_note`, the units that are there are
-- taken and the rest is oversold. Returns the lines as they are afterwards. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.retry_order(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _note text
) returns table (line_id bigint, state text, cause text, taken int, oversold int)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order(_order_id);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'retry_order', format('%s %L', _order_id, _note), _user_id, _who);
begin
    if _operation_id is not null then
        perform stockroom_api.note_try('order:' || _order.payment_id, _who);
        perform stockroom_api.name_lines(_order_id);
        perform stockroom_api.take_lines(array[_order_id], array[_operation_id],
            case when _note is null then 'stock_decrease' else 'forced' end, _user_id, _who, _note);
        if _note is not null then
            perform stockroom_api.oversell(array[_order_id]);
        end if;
        perform stockroom_api.review_orders(array[_order_id], _who);
    end if;
    return query select l.id, l.state, l.cause, l.taken, l.oversold
                   from stockroom.order_lines l where l.order_id = _order_id order by l.position;
end $$;

-- Map a code to a variant from now on. Returns the orders with an open line that has the code. Refuses: SK001, SK008, SK009, SK010.
create function stockroom_api.map_code(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _code text, _variant_id uuid
) returns bigint[]
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _sku text := (select sku from public.product_variants where id = _variant_id);
begin
    if _sku is null then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.',
            jsonb_build_object('variants', jsonb_build_array(_variant_id)));
    end if;
    if exists (select from public.product_variants v where v.sku = _code and v.id <> _variant_id) then
        perform stockroom_api.refuse_value('code', 'is the SKU of another variant');
    end if;
    insert into stockroom.sku_aliases as a (code, variant_id, added_by) values (_code, _variant_id, _who)
    on conflict (code) do update set variant_id = excluded.variant_id, added_by = excluded.added_by, added_at = now()
     where a.variant_id <> excluded.variant_id;
    perform stockroom_api.note_change(_user_id, _who, 'code_mapped', _code, null, jsonb_build_object('sku', _sku));
    return array(select distinct l.order_id from stockroom.order_lines l
                  where l.state = 'failed' and l.variant_id is null and _code = any (l.code || l.codes));
end $$;

-- Have the messages of an order whose cart could not be read processed again, with the present mapping and key. Returns how many
-- there are. Refuses: SK008, SK009, SK010.
create function stockroom_api.retry_cart(_user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint)
    returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order(_order_id);
    _retried bigint;
begin
    perform stockroom_api.note_try('cart:' || _order.payment_id, _who);
    update stockroom.stripe_events set state = 'new', due_at = clock_timestamp(), attempts = 0
     where payment_id = _order.payment_id and state = 'done' and _order.cart_state <> 'read';
    get diagnostics _retried = row_count;
    return _retried;
end $$;

grant execute on function
    stockroom_api.retry_order(text, bigint, bigint, text[], text, bigint, text),
    stockroom_api.map_code(bigint, bigint, text[], text, text, uuid),
    stockroom_api.retry_cart(bigint, bigint, text[], text, bigint)
    to stockroom_app;
