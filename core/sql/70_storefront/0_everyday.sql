-- The everyday order of a storefront in few statements: known variants, enough stock, now. Everything else takes the general path.

-- What became of an order as a sentence, for older storefronts: `success` is false where a line failed, but the order stands.
create function stockroom_api.order_sentence(_failed bigint, _lines bigint) returns text
    language sql stable
    return case when _failed = 0 then 'The order is recorded and every line was taken off the shelf.'
                else format('The order is recorded and stands. %s of its %s lines could not be taken off the shelf and opened a case.',
                            _failed, _lines) end;

-- The variants that an everyday cart names, with the units of each, in its order. Null for every other cart: more than 50 lines, a text
-- that is no variant, a quantity that is not one. It is a loop, because most carts are short and name their variants.
create function stockroom_api.everyday_cart(_items jsonb, out variants uuid[], out units int[])
    language plpgsql stable as $$
declare
    _item jsonb;
    _variant text;
    _quantity text;
begin
    if jsonb_typeof(_items) is distinct from 'array' or jsonb_array_length(_items) not between 1 and 50 then
        return;
    end if;
    for _n in 1..jsonb_array_length(_items) loop
        _item := _items -> (_n - 1);
        _quantity := _item ->> 'quantity';
        _variant := coalesce(_item ->> 'variant_id', _item ->> 'variantId');
        if _variant is null then
            _variant := (select v.id from public.product_variants v where v.sku = _item ->> 'sku');
        end if;
        if not coalesce(_quantity ~ '^[0-9]{1,7}$' and _variant ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$', false)
           or _quantity::int not between 1 and 1000000 then
            variants := null;
            return;
        end if;
        variants[_n] := _variant::uuid;
        units[_n] := _quantity::int;
    end loop;
end $$;

-- Whether nothing else is known about an order: no operation, refund, dispute, hold of its payment, or other order with its number,
-- and no meaning of the ids of its variants. An order that is known has its number; a case about it comes after it.
create function stockroom_api.is_everyday(_order_id uuid, _payment_id text, _codes text[]) returns boolean
    language plpgsql stable as $$
begin
    return not exists (select from stockroom.orders o where o.payment_id = _payment_id)
       and not exists (select from stockroom.orders o where lower(o.number) = _order_id::text)
       and not exists (select from stockroom.operations o where o.key = 'stripe:' || _payment_id)
       and not exists (select from stockroom.refunds r where r.payment_id = _payment_id and r.order_id is null)
       and not exists (select from stockroom.disputes d where d.payment_id = _payment_id and d.order_id is null)
       and not exists (select from stockroom.reservations r where r.payment_id = _payment_id and r.state = 'active')
       and not exists (select from stockroom.sku_aliases a where a.code = any (_codes))
       and exists (select from stockroom_api.plain_reasons r where r.movement_type = 'sale' and r.reason = 'stock_decrease' and r.sign < 1);
end $$;

-- Apply an everyday order and return what process_order returns, with the same rows written (a test compares them): known variants
-- with enough stock, no expired hold on them, no later movement, its own hold or none. In every other case it writes nothing and
-- returns null. The caller lets no other call with this order's id in.
create function stockroom_api.everyday_order(_order_id uuid, _items jsonb) returns jsonb
    language plpgsql as $$
declare
    _payment_id text := 'order:' || _order_id;
    _operation_id bigint;
    _own uuid;
    _cart record;
    _sold stockroom_api.sold_line[];
    _lines int;
begin
    perform pg_advisory_xact_lock_shared(hashtext('stockroom.orders'));
    _cart := stockroom_api.everyday_cart(_items);
    if _order_id is null or _cart.variants is null or not stockroom_api.is_everyday(_order_id, _payment_id, _cart.variants::text[]) then
        return null;
    end if;
    _own := (select r.id from stockroom.reservations r
              where r.reference = _order_id::text and r.state = 'active' order by r.created_at desc limit 1);
    -- The general path also locks the other variants of such holds, so nothing may be locked before it: that could deadlock.
    if exists (select from public.product_variants v where v.id = any (_cart.variants) and v.reserved_quantity > 0)
       and (exists (select from stockroom_api.expired_holds e where e.variant_id = any (_cart.variants) and e.id is distinct from _own)
            or _own is not null and not stockroom_api.is_hold_of(_own, _cart.variants)) then
        return null;
    end if;
    _operation_id := nextval('stockroom.operations_id_seq');
    _sold := stockroom_api.post_sale(_operation_id, 'Stripe', _order_id::text, _cart.variants, _cart.units, _own, now());
    if _sold is null then
        return null;
    end if;
    _lines := cardinality(_sold);
    perform stockroom_api.record_sale(_payment_id, _operation_id, _own);
    perform stockroom_api.record_everyday(_order_id, _payment_id, _own, _sold);
    return jsonb_build_object('success', true, 'recorded', true, 'order_id', _order_id,
        'message', stockroom_api.order_sentence(0, _lines), 'total_items', _lines, 'valid_items', _lines, 'errors', '[]'::jsonb,
        'lines', (select jsonb_agg(jsonb_build_object('code', l.variant_id, 'variant_id', l.variant_id, 'sku', l.sku,
                             'quantity', l.quantity, 'taken', l.quantity, 'state', 'taken', 'error', null))
                    from unnest(_sold) l));
end $$;

-- Record a storefront's order and its lines, which are all taken, with their movements.
create function stockroom_api.record_everyday(
    _order_id uuid, _payment_id text, _own uuid, _sold stockroom_api.sold_line[]
) returns void
    language plpgsql as $$
declare
    _id bigint;
begin
    insert into stockroom.orders (payment_id, number, amount, currency, paid_at, livemode, policy, cart_state, cart_source,
           reservation_id)
    values (_payment_id, _order_id::text, 0, lower((select s.currency from stockroom.shop s)), now(), true, 'normal', 'read',
            'storefront', _own)
    returning id into _id;
    insert into stockroom.order_lines (order_id, position, code, quantity, variant_id, state, taken, movement_id)
    select _id, l.n, l.variant_id::text, l.quantity, l.variant_id, 'taken', l.quantity, l.id
      from unnest(_sold) with ordinality l (id, variant_id, sku, quantity, after, sequence, held, chain_hash, n);
end $$;
