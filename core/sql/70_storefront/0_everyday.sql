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
                               else stockroom_api.uuid_of(w.variant) end
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
    _variants uuid[];
    _units int[];
    _own uuid;
    _outcome jsonb;
begin
    perform pg_advisory_xact_lock_shared(hashtext('stockroom.orders'));
    select c.variants, c.units into _variants, _units from stockroom_api.lock_everyday_cart(_items) c;
    if _variants is null or not stockroom_api.is_everyday(_order_id, _payment_id, _variants::text[]) then
        return null;
    end if;
    _own := (select r.id from stockroom.reservations r
              where r.reference = _order_id::text and r.state = 'active' order by r.created_at desc limit 1);
    with line as materialized (
        select l.n, l.quantity, v.id as variant_id, v.sku, v.stock_quantity as before, v.stock_quantity - l.quantity as after,
               v.movement_sequence + 1 as sequence, v.chain_head, coalesce(h.quantity, 0) as held
          from unnest(_variants, _units) with ordinality l (variant_id, quantity, n)
          join public.product_variants v on v.id = l.variant_id
          left join stockroom.reservation_lines h on h.reservation_id = _own and h.variant_id = l.variant_id
         where v.stock_quantity - l.quantity >= v.reserved_quantity - coalesce(h.quantity, 0)
           and (v.last_moved_at <= now() or v.last_moved_at is null)
           and (v.reserved_quantity = coalesce(h.quantity, 0)
                or not exists (select from stockroom_api.expired_holds e where e.variant_id = v.id and e.id is distinct from _own))
         order by l.n
    ), everyday as materialized (
        select nextval('stockroom.orders_id_seq') as order_id, nextval('stockroom.operations_id_seq') as operation_id,
               lower(s.currency) as currency, (now() at time zone s.zone)::date as day
          from stockroom.shop s
         where (select count(*) from line) = cardinality(_variants)
           and (_own is null or not exists (select from stockroom.reservation_lines h
                                             where h.reservation_id = _own and h.variant_id <> all (_variants)))
    ), claimed as (
        insert into stockroom.operations (id, key, kind, fingerprint, performed_by) overriding system value
        select e.operation_id, 'stripe:' || _payment_id, 'order', sha256(convert_to('order ' || _payment_id, 'UTF8')), 'Stripe'
          from everyday e
    ), ordered as (
        insert into stockroom.orders (id, payment_id, number, amount, currency, paid_at, livemode, policy, cart_state, cart_source,
               reservation_id) overriding system value
        select e.order_id, _payment_id, _order_id::text, 0, e.currency, now(), true, 'normal', 'read', 'storefront', _own
          from everyday e
    ), consumed as (
        update stockroom.reservations r set state = 'consumed', ended_at = now() from everyday e where r.id = _own
    ), linked as materialized (
        select l.*, e.order_id, e.operation_id, e.day,
               stockroom.chain_link(l.chain_head, stockroom.movement_text(l.variant_id, l.sequence, l.sku, 'sale', 'stock_decrease',
                   -l.quantity, l.before, l.after, e.operation_id, 'order', _order_id::text, null, 'Stripe', null, now(), now()),
                   null) as chain_hash
          from line l cross join everyday e
    ), moved as (
        update public.product_variants v
           set stock_quantity = l.after, reserved_quantity = v.reserved_quantity - l.held, movement_sequence = l.sequence,
               chain_head = l.chain_hash, last_moved_at = now(), updated_at = now()
          from linked l where v.id = l.variant_id
    ), rolled_up as (
        insert into stockroom.variant_days as d (variant_id, day, sale_out, movements, closing)
        select l.variant_id, l.day, l.quantity, 1, l.after from linked l
        on conflict (variant_id, day) do update
           set sale_out = d.sale_out + excluded.sale_out, movements = d.movements + 1, closing = excluded.closing
    ), written as (
        insert into public.stock_movements as m (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
               variant_sequence, operation_id, reference_type, reference_id, performed_by, occurred_at, created_at, chain_hash)
        select l.variant_id, l.sku, 'sale', 'stock_decrease', -l.quantity, l.before, l.after, l.sequence, l.operation_id, 'order',
               _order_id::text, 'Stripe', now(), now(), l.chain_hash
          from linked l
        returning m.id, m.variant_id
    ), recorded as (
        insert into stockroom.order_lines as x (order_id, position, code, quantity, variant_id, state, taken)
        select l.order_id, l.n, l.variant_id::text, l.quantity, l.variant_id, 'taken', l.quantity from linked l
        returning x.id, x.variant_id
    ), tied as (
        insert into stockroom.order_line_movements (movement_id, line_id)
        select w.id, r.id from written w join recorded r on r.variant_id = w.variant_id
    )
    select jsonb_build_object('success', true, 'recorded', true, 'order_id', _order_id,
               'message', stockroom_api.order_sentence(0, count(*)), 'total_items', count(*), 'valid_items', count(*), 'errors', '[]'::jsonb,
               'lines', jsonb_agg(jsonb_build_object('code', l.variant_id, 'variant_id', l.variant_id, 'sku', l.sku,
                   'quantity', l.quantity, 'taken', l.quantity, 'state', 'taken', 'error', null) order by l.n))
      into _outcome
      from linked l
    having count(*) > 0;
    return _outcome;
end $$;
