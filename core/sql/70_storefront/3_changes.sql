-- Changing a begun payment: its hold, its amount and its metadata together. While Stripe is asked nothing is locked, but the units
-- of both the old and the new cart are held, so either outcome has its units.

-- The units of lines or items, by variant.
create function stockroom_api.units_of(_lines jsonb) returns table (variant_id uuid, quantity int)
    language sql immutable as $$
    select (l ->> 'variant_id')::uuid, (l ->> 'quantity')::int from jsonb_array_elements(_lines) l;
$$;

-- Whether two contents of a checkout would be the same payment.
create function stockroom_api.same_payment(_one jsonb, _other jsonb) returns boolean
    language sql immutable as $$
    select (select jsonb_agg(jsonb_build_array(l -> 'variant_id', l -> 'quantity', l -> 'unit_price') order by l ->> 'variant_id')
              from jsonb_array_elements(_one -> 'lines') l)
         = (select jsonb_agg(jsonb_build_array(l -> 'variant_id', l -> 'quantity', l -> 'unit_price') order by l ->> 'variant_id')
              from jsonb_array_elements(_other -> 'lines') l)
       and _one -> 'shipping' = _other -> 'shipping'
       and coalesce(_one -> 'shipping_to', 'null') = coalesce(_other -> 'shipping_to', 'null')
       and _one -> 'tax_by' = _other -> 'tax_by' and coalesce(_one -> 'tax_rate', 'null') = coalesce(_other -> 'tax_rate', 'null')
       and _one -> 'cart_id' is not distinct from _other -> 'cart_id';
$$;

-- Hold more for a checkout: what it has, and what `_units` has in addition. The hold keeps its id and lasts `_ttl_seconds` from now.
-- Returns false if it has ended. Refuses: SK002 naming every short variant.
create function stockroom_api.widen_hold(_id uuid, _units jsonb, _ttl_seconds int) returns boolean
    language plpgsql as $$
declare
    _short jsonb;
begin
    perform stockroom_api.lock_free_of_expired(array(
        select u.variant_id from stockroom_api.units_of(_units) u
         union select l.variant_id from stockroom.reservation_lines l where l.reservation_id = _id));
    update stockroom.reservations set expires_at = greatest(expires_at, now() + make_interval(secs => _ttl_seconds))
     where id = _id and state = 'active' and expires_at > clock_timestamp();
    if not found then
        return false;
    end if;
    select jsonb_agg(jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'requested', u.quantity, 'on_hand', v.stock_quantity,
               'reserved', v.reserved_quantity,
               'available', case when v.is_active then v.computed_available_stock + coalesce(l.quantity, 0) else 0 end) order by v.sku)
      into _short
      from stockroom_api.units_of(_units) u
      join public.product_variants v on v.id = u.variant_id
      left join stockroom.reservation_lines l on l.reservation_id = _id and l.variant_id = u.variant_id
     where u.quantity > coalesce(l.quantity, 0)
       and (not v.is_active or v.computed_available_stock + coalesce(l.quantity, 0) < u.quantity);
    if _short is not null then
        perform stockroom_api.refuse('SK002', 'Not enough stock.', jsonb_build_object('short', _short));
    end if;
    update public.product_variants v set reserved_quantity = v.reserved_quantity + m.more, updated_at = now()
      from (select u.variant_id, u.quantity - coalesce(l.quantity, 0) as more
              from stockroom_api.units_of(_units) u
              left join stockroom.reservation_lines l on l.reservation_id = _id and l.variant_id = u.variant_id) m
     where v.id = m.variant_id and m.more > 0;
    insert into stockroom.reservation_lines as l (reservation_id, variant_id, quantity)
    select _id, u.variant_id, u.quantity from stockroom_api.units_of(_units) u
    on conflict (reservation_id, variant_id) do update set quantity = greatest(l.quantity, excluded.quantity);
    return true;
end $$;

-- Give back the units of an active hold that `_units` does not need. A hold that has ended stays as it is.
create function stockroom_api.narrow_hold(_id uuid, _units jsonb) returns void
    language plpgsql as $$
begin
    perform stockroom_api.lock_variants(array(select l.variant_id from stockroom.reservation_lines l where l.reservation_id = _id));
    if not exists (select from stockroom.reservations r where r.id = _id and r.state = 'active') then
        return;
    end if;
    update public.product_variants v set reserved_quantity = v.reserved_quantity - n.less, updated_at = now()
      from (select l.variant_id, l.quantity - coalesce(u.quantity, 0) as less
              from stockroom.reservation_lines l
              left join stockroom_api.units_of(_units) u on u.variant_id = l.variant_id
             where l.reservation_id = _id) n
     where v.id = n.variant_id and n.less > 0;
    delete from stockroom.reservation_lines l
     where l.reservation_id = _id and l.variant_id not in (select u.variant_id from stockroom_api.units_of(_units) u);
    update stockroom.reservation_lines l set quantity = u.quantity
      from stockroom_api.units_of(_units) u
     where l.reservation_id = _id and u.variant_id = l.variant_id and u.quantity < l.quantity;
end $$;

-- Prepare the change of a checkout to other content; null leaves a part as it is. Returns what to do next: `same` (nothing differs;
-- the hold was extended), `begin` (there is no payment yet: create it), `change` (change it at Stripe), `busy` (another request is
-- at it), `closed`. Refuses: SK002 naming every short variant, SK008.
create function stockroom_api.prepare_change(
    _id uuid, _items jsonb, _digits int, _step int, _cart_id text, _shipping bigint, _shipping_to jsonb, _ttl_seconds int
) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _old stockroom.checkouts;
    _new jsonb;
    _same boolean;
begin
    if _ttl_seconds is not null and _ttl_seconds not between 10 and 86400 then
        perform stockroom_api.refuse_value('ttl_seconds', 'must be between 10 and 86,400');
    end if;
    update stockroom.checkouts c set ttl_seconds = coalesce(_ttl_seconds, c.ttl_seconds) where c.id = _id returning c.* into _old;
    if _old.closed_at is not null then
        return 'closed';
    end if;
    _new := stockroom_api.checkout_of(case when _items is null then _old.lines else stockroom_api.priced_lines(_items, _digits) end,
        coalesce(_shipping, _old.shipping), coalesce(_shipping_to, _old.shipping_to), _step)
        || jsonb_build_object('cart_id', coalesce(_cart_id, _old.cart_id));
    _same := stockroom_api.same_payment(to_jsonb(_old), _new);
    if _old.changing_until > clock_timestamp() and not (_same and _old.payment_id is null) then
        return 'busy';
    end if;
    if _same and _old.pending is null and (_old.payment_id is null or exists (
           select from stockroom.reservations r
            where r.id = _old.reservation_id and r.state = 'active' and r.expires_at > clock_timestamp())) then
        perform stockroom_api.hold_checkout(_id);
        return case when _old.payment_id is null then 'begin' else 'same' end;
    end if;
    perform stockroom_api.refuse_known_cart(_old, _new ->> 'cart_id');
    update stockroom.checkouts set pending = _new, change_id = gen_random_uuid(), changing_until = now() + interval '1 minute'
     where id = _id;
    if _old.payment_id is null then
        perform stockroom_api.release_hold(_old.reservation_id);
        perform stockroom_api.take_pending(_id);
        perform stockroom_api.hold_checkout(_id);
        return 'begin';
    end if;
    if not stockroom_api.widen_hold(_old.reservation_id, _new -> 'items', _old.ttl_seconds) then
        perform stockroom_api.hold_pending(_id);
    end if;
    return 'change';
end $$;

-- Refuse to give a checkout the id of a cart that has another open checkout. Refuses: SK008.
create function stockroom_api.refuse_known_cart(_old stockroom.checkouts, _cart_id text) returns void
    language plpgsql stable as $$
begin
    if exists (select from stockroom.checkouts c
                where c.scope = _old.scope and _cart_id in (c.cart_id, c.pending ->> 'cart_id') and c.closed_at is null
                  and c.id <> _old.id) then
        perform stockroom_api.refuse_value('cartId', 'belongs to another payment that is not finished');
    end if;
end $$;

-- Hold the units of a pending change whose old hold has ended.
create function stockroom_api.hold_pending(_id uuid) returns void
    language plpgsql as $$
declare
    _checkout stockroom.checkouts;
    _reservation_id uuid;
begin
    select c.* into _checkout from stockroom.checkouts c where c.id = _id;
    _reservation_id := stockroom_api.hold(format('checkout:%s#%s', _id, _checkout.holds + 1), _checkout.pending -> 'items',
        _checkout.pending ->> 'cart_id', _checkout.ttl_seconds, _checkout.held_by);
    update stockroom.reservations set payment_id = _checkout.payment_id where id = _reservation_id;
    update stockroom.checkouts set reservation_id = _reservation_id, holds = holds + 1 where id = _id;
end $$;

-- Make the pending content of a checkout its content.
create function stockroom_api.take_pending(_id uuid) returns void
    language sql as $$
    update stockroom.checkouts c
       set items = n.items, lines = n.lines, shipping = n.shipping, shipping_to = n.shipping_to, tax_by = n.tax_by,
           tax_rate = n.tax_rate, tax = n.tax, tax_calculation = n.tax_calculation, amount = n.amount, cart_id = n.cart_id,
           pending = null
      from stockroom.checkouts x
     cross join lateral jsonb_populate_record(null::stockroom.checkouts, x.pending) n
     where c.id = _id and x.id = _id;
$$;

-- Note the tax that Stripe computed for a checkout, or for its pending change.
create function stockroom_api.tax_checkout(_id uuid, _change_id uuid, _tax bigint, _calculation text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
    update stockroom.checkouts c
       set tax = case when c.pending is null then _tax else c.tax end,
           amount = case when c.pending is null then c.amount + _tax else c.amount end,
           tax_calculation = case when c.pending is null then _calculation else c.tax_calculation end,
           pending = c.pending || jsonb_build_object('tax', _tax, 'amount', (c.pending ->> 'amount')::bigint + _tax,
                                                     'tax_calculation', _calculation)
     where c.id = _id and case when c.pending is null then c.tax is null else c.change_id = _change_id and c.pending ->> 'tax' is null end;
$$;

-- End a change: Stripe has taken it, or refused it and everything stays as it was. With null, nobody knows: both the old and the
-- new units stay held, and the next request goes on. Returns false if another request has taken over.
create function stockroom_api.finish_change(_id uuid, _change_id uuid, _taken boolean) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _checkout stockroom.checkouts;
begin
    select c.* into _checkout from stockroom.checkouts c where c.id = _id for update;
    if _checkout.change_id is distinct from _change_id or _checkout.pending is null then
        return false;
    end if;
    if _taken is not null then
        perform stockroom_api.narrow_hold(_checkout.reservation_id,
            case when _taken then _checkout.pending -> 'items' else _checkout.items end);
    end if;
    if _taken then
        perform stockroom_api.take_pending(_id);
    end if;
    update stockroom.checkouts
       set pending = case when _taken is null then pending end, change_id = null, changing_until = null
     where id = _id;
    return true;
end $$;

-- Close a checkout whose payment has ended, so that its cart can begin another with the request of `_key`. The hold of a cancelled
-- payment is released, and the buyer's address forgotten.
create function stockroom_api.close_checkout(_id uuid, _cancelled boolean, _key text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _reservation_id uuid;
begin
    update stockroom.checkouts set closed_at = coalesce(closed_at, now()), shipping_to = null
     where id = _id returning reservation_id into _reservation_id;
    delete from stockroom.checkout_requests r using stockroom.operations o
     where r.checkout_id = _id and o.id = r.operation_id and o.key = _key;
    if _cancelled then
        perform stockroom_api.release_hold(_reservation_id);
    end if;
end $$;

grant execute on function
    stockroom_api.prepare_change(uuid, jsonb, int, int, text, bigint, jsonb, int), stockroom_api.tax_checkout(uuid, uuid, bigint, text),
    stockroom_api.finish_change(uuid, uuid, boolean), stockroom_api.close_checkout(uuid, boolean, text)
    to stockroom_app;
