-- The everyday order of a storefront in two statements: known variants, enough stock, now. Everything else takes the general path.

-- What became of an order as a sentence, for older storefronts: `success` is false where a line failed, but the order stands.
create function stockroom_api.order_sentence(_failed bigint, _lines bigint) returns text
    language sql immutable
    return case when _failed = 0 then 'The order is recorded and every line was taken off the shelf.'
                else format('The order is recorded and stands. %s of its %s lines could not be taken off the shelf and opened a case.',
                            _failed, _lines) end;

-- The variants of an everyday cart, which are locked in ascending id, with the units of each, in the order of the cart. Null for
-- every other cart: more than 50 lines, a variant that is unknown or named twice, a quantity that is not one.
create function stockroom_api.lock_everyday_cart(_items jsonb, out variants uuid[], out units int[])
    language plpgsql as $$
begin
    if jsonb_typeof(_items) is distinct from 'array' or jsonb_array_length(_items) not between 1 and 50 then
        return;
    end if;
    select array_agg(l.id order by l.n), array_agg(l.quantity order by l.n) into variants, units
      from (select v.id, w.n, w.quantity
              from (select i.n, case when i.item ->> 'quantity' ~ '^[0-9]{1,7}$' then (i.item ->> 'quantity')::int end as quantity,
                           coalesce(i.item ->> 'variant_id', i.item ->> 'variantId') as variant, i.item ->> 'sku' as sku
                      from jsonb_array_elements(_items) with ordinality i (item, n)) w
              join public.product_variants v
                on v.id = case when w.variant is null then (select x.id from public.product_variants x where x.sku = w.sku)
                               when w.variant ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then w.variant::uuid end
             where w.quantity between 1 and 1000000
             order by v.id for no key update of v) l
    having count(distinct l.id) = jsonb_array_length(_items);
end $$;

-- Whether nothing else is known about an order: no operation, refund, dispute, hold of its payment, or other order with its number,
-- and no meaning of the ids of its variants. An order that is known has its number; a case about it comes after it.
create function stockroom_api.is_everyday(_order_id uuid, _payment_id text, _codes text[]) returns boolean
    language plpgsql stable as $$
begin
    return not exists (select from stockroom.orders o where o.payment_id = _payment_id or lower(o.number) = _order_id::text)
       and not exists (select from stockroom.operations o where o.key = 'stripe:' || _payment_id)
       and not exists (select from stockroom.refunds r where r.payment_id = _payment_id and r.order_id is null)
       and not exists (select from stockroom.disputes d where d.payment_id = _payment_id and d.order_id is null)
       and not exists (select from stockroom.reservations r where r.payment_id = _payment_id and r.state = 'active')
       and not exists (select from stockroom.sku_aliases a where a.code = any (_codes))
       and exists (select from stockroom.reasons r
                    where r.movement_type = 'sale' and r.reason = 'stock_decrease' and r.is_active and not r.note_required and r.sign < 1);
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
    _variants uuid[];
    _units int[];
    _movements bigint[];
    _skus text[];
begin
    perform pg_advisory_xact_lock_shared(hashtext('stockroom.orders'));
    select c.variants, c.units into _variants, _units from stockroom_api.lock_everyday_cart(_items) c;
    if _variants is null or not stockroom_api.is_everyday(_order_id, _payment_id, _variants::text[]) then
        return null;
    end if;
    _own := (select r.id from stockroom.reservations r
              where r.reference = _order_id::text and r.state = 'active' order by r.created_at desc limit 1);
    _operation_id := nextval('stockroom.operations_id_seq');
    select p.movements, p.skus into _movements, _skus
      from stockroom_api.post_sale(_operation_id, 'Stripe', _order_id::text, _variants, _units, _own) p;
    if _movements is null then
        return null;
    end if;
    perform stockroom_api.record_everyday(_order_id, _payment_id, _operation_id, _own, _variants, _units, _movements);
    return jsonb_build_object('success', true, 'recorded', true, 'order_id', _order_id,
        'message', stockroom_api.order_sentence(0, cardinality(_variants)), 'total_items', cardinality(_variants),
        'valid_items', cardinality(_variants), 'errors', '[]'::jsonb,
        'lines', (select jsonb_agg(jsonb_build_object('code', l.variant_id, 'variant_id', l.variant_id, 'sku', l.sku,
                             'quantity', l.quantity, 'taken', l.quantity, 'state', 'taken', 'error', null))
                    from unnest(_variants, _units, _skus) l (variant_id, quantity, sku)));
end $$;

-- Record an order whose lines are all taken: its operation, its lines with their movements, and the end of its own hold.
create function stockroom_api.record_everyday(
    _order_id uuid, _payment_id text, _operation_id bigint, _own uuid, _variants uuid[], _units int[], _movements bigint[]
) returns void
    language plpgsql as $$
begin
    if _own is not null then
        update stockroom.reservations set state = 'consumed', ended_at = now() where id = _own;
    end if;
    with claimed as (
        insert into stockroom.operations (id, key, kind, fingerprint, performed_by) overriding system value
        values (_operation_id, 'stripe:' || _payment_id, 'order', sha256(convert_to('order ' || _payment_id, 'UTF8')), 'Stripe')
    ), ordered as (
        insert into stockroom.orders (payment_id, number, amount, currency, paid_at, livemode, policy, cart_state, cart_source,
               reservation_id)
        select _payment_id, _order_id::text, 0, lower(s.currency), now(), true, 'normal', 'read', 'storefront', _own
          from stockroom.shop s
        returning id
    ), recorded as (
        insert into stockroom.order_lines as x (order_id, position, code, quantity, variant_id, state, taken)
        select o.id, l.n, l.variant_id::text, l.quantity, l.variant_id, 'taken', l.quantity
          from ordered o cross join unnest(_variants, _units) with ordinality l (variant_id, quantity, n)
        returning x.id, x.position
    )
    insert into stockroom.order_line_movements (movement_id, line_id) select _movements[r.position], r.id from recorded r;
end $$;
