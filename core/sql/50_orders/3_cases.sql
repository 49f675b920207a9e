-- What people do with an order that has a case: retry, ship what is there, read its cart again. What a code means: 5_meanings.sql.

-- Look up what the codes of the open lines without a variant mean, in the present catalogue and by the meanings that people gave.
create function stockroom_api.name_lines(_order_id bigint) returns void
    language sql as $$
    update stockroom.order_lines l
       set variant_id = n.variant_id, cause = 'insufficient_stock'
      from (select x.id, v.variant_id
              from stockroom.order_lines x cross join lateral stockroom_api.variant_of_line(x.code, x.codes, x.size) v
             where x.order_id = _order_id and x.state = 'failed' and x.variant_id is null) n
     where l.id = n.id and n.variant_id is not null;
    select stockroom_api.expand_meanings(_order_id);
$$;

-- Try the open lines of an order again; this is safe at any time, even twice at once. With `_note`, the units that are there are
-- taken and the rest is oversold; `_is_awaited`: the buyer waits for it. Returns the lines as they are afterwards. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.retry_order(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _note text,
    _is_awaited boolean
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
            perform stockroom_api.oversell(array[_order_id], _is_awaited);
        end if;
        perform stockroom_api.review_orders(array[_order_id], _who);
    end if;
    return query select l.id, l.state, l.cause, l.taken, l.oversold
                   from stockroom.order_lines l where l.order_id = _order_id and l.state <> 'replaced' order by l.position;
end $$;

-- Refuse to let a code mean a variant if several variants share it or it is another variant's own; name them. Waits for an import
-- of a catalogue, which could add such a variant.
create function stockroom_api.refuse_unclear(_code text, _variant_id uuid) returns void
    language plpgsql as $$
declare
    _variants jsonb;
    _listed text;
    _rank int;
begin
    perform pg_advisory_xact_lock(hashtext('stockroom.catalog'));
    select jsonb_agg(jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'size', v.size) order by v.sku), min(m.rank),
           string_agg(v.sku || coalesce(' (size ' || v.size || ')', ''), ', ' order by v.sku)
      into _variants, _rank, _listed
      from stockroom_api.meanings(_code, null) m
      join public.product_variants v on v.id = m.variant_id
    having count(*) > 1 or bool_or(m.variant_id <> _variant_id and m.rank < 4);
    if _variants is not null then
        perform stockroom_api.refuse_value('code', case
            when jsonb_array_length(_variants) > 1 then format(
                '%s several variants: %s. Nothing was mapped. Choose the variant of each order',
                case when _rank < 4 then 'could mean' else 'is the beginning of' end, left(_listed, 1000))
            else format('is the SKU, id, barcode or price of another variant: %s. Nothing was mapped', _listed) end,
            jsonb_build_object('variants', _variants));
    end if;
end $$;

-- The SKU of a variant. Refuses: SK001.
create function stockroom_api.known_sku(_variant_id uuid) returns text
    language plpgsql stable as $$
declare
    _sku text := (select sku from public.product_variants where id = _variant_id);
begin
    if _sku is null then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.',
            jsonb_build_object('variants', jsonb_build_array(_variant_id)));
    end if;
    return _sku;
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
    stockroom_api.retry_order(text, bigint, bigint, text[], text, bigint, text, boolean),
    stockroom_api.retry_cart(bigint, bigint, text[], text, bigint)
    to stockroom_app;
