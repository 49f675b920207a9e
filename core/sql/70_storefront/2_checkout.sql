-- Paying for a cart: its price, the hold and the payment of one checkout, and the order of the payment.

-- The lines of a cart with their present prices in minor units; `_digits` is the number of decimals of the currency. The price is
-- the variant's, else its product's, or what the rule of the shop gives, rounded. Refuses: SK008 while the rule is in doubt, or
-- naming every variant without a price or with a fraction of a minor unit.
create function stockroom_api.priced_lines(_items jsonb, _digits int) returns jsonb
    language plpgsql stable as $$
declare
    _doubt text := (select s.price_doubt from stockroom.shop s);
    _units jsonb;
    _lines jsonb;
    _unpriced text;
    _uneven text;
begin
    if _doubt is not null then
        perform stockroom_api.refuse_value('price', format('is not confirmed, so no payment is begun: %s may change what a variant '
            'costs. Confirm or map it with `python -m core shop --price`', _doubt));
    end if;
    -- First, and by itself: in a join with an empty catalogue PostgreSQL would not even look at the cart.
    select jsonb_agg(w) into _units from stockroom_api.wanted_units(stockroom_api.meant_items(_items)) w;
    select jsonb_agg(jsonb_build_object('variant_id', c.variant_id, 'sku', c.sku, 'name', c.name, 'size', c.size,
               'quantity', c.quantity, 'unit_price', trunc(c.minor)) order by c.sku),
           string_agg(c.sku, ', ' order by c.sku) filter (where c.minor is null or c.minor < 0),
           string_agg(c.sku, ', ' order by c.sku) filter (where c.minor <> trunc(c.minor))
      into _lines, _unpriced, _uneven
      from (select v.id as variant_id, v.sku, p.name, v.size, w.quantity,
                   case when coalesce(s.price_rule ->> 0, 'price') = 'price' then coalesce(v.price, p.price) * 10::numeric ^ _digits
                        else round(stockroom_api.price_of(s.price_rule, to_jsonb(v), to_jsonb(p)) * 10::numeric ^ _digits)
                   end as minor
              from jsonb_to_recordset(_units) w (variant_id uuid, quantity int)
              join public.product_variants v on v.id = w.variant_id
              left join public.products p on p.id = v.product_id
             cross join stockroom.shop s) c;
    if _unpriced is not null then
        perform stockroom_api.refuse_value('items', format('cannot be sold without a price in the catalogue: %s', left(_unpriced, 500)));
    end if;
    if _uneven is not null then
        perform stockroom_api.refuse_value('items',
            format('cost a fraction of the smallest coin; correct the price of: %s', left(_uneven, 500)));
    end if;
    return _lines;
end $$;

-- What a checkout of these lines is: its units, lines, shipping, address, tax and amount. The tax is the shop's, on the goods and
-- rounded to `_step` minor units; it is null where Stripe is to compute it.
create function stockroom_api.checkout_of(_lines jsonb, _shipping bigint, _shipping_to jsonb, _step int) returns jsonb
    language sql stable as $$
    select jsonb_build_object('items', g.units, 'lines', _lines, 'shipping', _shipping, 'shipping_to', _shipping_to,
               'tax_by', s.tax, 'tax_rate', s.tax_rate, 'tax', x.tax, 'amount', g.goods + _shipping + coalesce(x.tax, 0))
      from stockroom.shop s
     cross join (select sum((l ->> 'quantity')::numeric * (l ->> 'unit_price')::numeric) as goods,
                        jsonb_agg(jsonb_build_object('variant_id', l ->> 'variant_id', 'quantity', (l ->> 'quantity')::int)
                                  order by l ->> 'variant_id') as units
                   from jsonb_array_elements(_lines) l) g
     cross join lateral (
           select case s.tax when 'none' then 0 when 'rate' then round(g.goods * s.tax_rate / 100 / _step) * _step end as tax) x;
$$;

-- Begin a checkout: price the cart from the catalogue and hold it, all or nothing. The same key again returns the same checkout
-- with its first prices; `is_found` says that the cart has an open checkout, which may have other content. Refuses: SK002 naming
-- every short variant, SK003, SK008.
create function stockroom_api.begin_checkout(
    _key text, _items jsonb, _cart_id text, _currency text, _digits int, _step int, _shipping bigint, _shipping_to jsonb,
    _ttl_seconds int, _held_by text, _scope text, out checkout_id uuid, out is_found boolean
)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _own text := (select lower(s.currency) from stockroom.shop s);
    _operation_id bigint;
    _new jsonb;
begin
    is_found := false;
    if lower(_currency) is distinct from _own then
        perform stockroom_api.refuse_value('currency', format('must be %s, the currency of the shop', upper(_own)));
    end if;
    _operation_id := stockroom_api.claim_operation(_key, 'checkout',
        format('%s %L %s %s %s', _items, _cart_id, _own, coalesce(_shipping, 0), _ttl_seconds) || coalesce(_shipping_to::text, ''),
        null, _held_by);
    if _operation_id is null then
        select k.checkout_id, k.is_found into checkout_id, is_found from stockroom_api.checkout_of_key(_key) k;
    end if;
    if checkout_id is null then
        _operation_id := (select o.id from stockroom.operations o where o.key = _key);
        _new := stockroom_api.checkout_of(stockroom_api.priced_lines(_items, _digits), coalesce(_shipping, 0), _shipping_to, _step);
        is_found := false;
        while checkout_id is null loop
            checkout_id := stockroom_api.open_checkout(_operation_id, _new, _cart_id, _own, _ttl_seconds, _held_by, _scope);
            exit when checkout_id is not null;
            select c.id into checkout_id from stockroom.checkouts c
             where c.scope = _scope and c.cart_id = _cart_id and c.closed_at is null;
            is_found := checkout_id is not null;
        end loop;
        if is_found then
            insert into stockroom.checkout_requests (operation_id, checkout_id) values (_operation_id, begin_checkout.checkout_id);
        end if;
    end if;
    if is_found then
        return;
    end if;
    if (select c.payment_id is null from stockroom.checkouts c where c.id = checkout_id) then
        perform stockroom_api.hold_checkout(checkout_id);
    end if;
end $$;

-- The checkout that was requested with a key, and whether that request found it open and it still is.
create function stockroom_api.checkout_of_key(_key text) returns table (checkout_id uuid, is_found boolean)
    language sql stable as $$
    select c.id, c.operation_id <> o.id and c.closed_at is null
      from stockroom.operations o
      left join stockroom.checkout_requests r on r.operation_id = o.id
      join stockroom.checkouts c on c.operation_id = o.id or c.id = r.checkout_id
     where o.key = _key;
$$;

-- Write down a new checkout, which its request may now create at Stripe. Returns null if its cart has an open checkout: of two
-- requests at once, the second waits for the first.
create function stockroom_api.open_checkout(
    _operation_id bigint, _new jsonb, _cart_id text, _currency text, _ttl_seconds int, _held_by text, _scope text
) returns uuid
    language sql as $$
    insert into stockroom.checkouts (operation_id, cart_id, items, lines, currency, shipping, shipping_to, tax_by, tax_rate, tax,
           amount, ttl_seconds, held_by, scope, change_id, changing_until)
    select _operation_id, _cart_id, n.items, n.lines, _currency, n.shipping, n.shipping_to, n.tax_by, n.tax_rate, n.tax, n.amount,
           _ttl_seconds, _held_by, _scope, gen_random_uuid(), now() + interval '1 minute'
      from jsonb_populate_record(null::stockroom.checkouts, _new) n
    on conflict (scope, cart_id) where closed_at is null and scope is not null do nothing
    returning id;
$$;

-- Make sure that the units of a checkout are held for its time from now: extend its hold, or if that has ended, hold them again.
-- Refuses: SK002.
create function stockroom_api.hold_checkout(_id uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _checkout stockroom.checkouts;
    _reservation_id uuid;
begin
    select c.* into _checkout from stockroom.checkouts c where c.id = _id for update;
    update stockroom.reservations r
       set expires_at = greatest(r.expires_at, now() + make_interval(secs => _checkout.ttl_seconds))
     where r.id = _checkout.reservation_id and r.state = 'active' and r.expires_at > clock_timestamp();
    if found then
        return;
    end if;
    _reservation_id := stockroom_api.hold(format('checkout:%s#%s', _id, _checkout.holds + 1), _checkout.items, _checkout.cart_id,
        _checkout.ttl_seconds, _checkout.held_by);
    update stockroom.checkouts set reservation_id = _reservation_id, holds = holds + 1 where id = _id;
    update stockroom.reservations set payment_id = _checkout.payment_id
     where id = _reservation_id and _checkout.payment_id is not null;
end $$;

-- Bind the hold of a checkout to its payment at Stripe. Returns whether it is the checkout's payment and the units are held.
create function stockroom_api.bind_payment(_id uuid, _reservation_id uuid, _payment_id text) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _checkout stockroom.checkouts;
begin
    select c.* into _checkout from stockroom.checkouts c where c.id = _id for update;
    if _checkout.payment_id is not null or _checkout.reservation_id is distinct from _reservation_id then
        return _checkout.payment_id is not distinct from _payment_id;
    end if;
    update stockroom.reservations set payment_id = _payment_id where id = _reservation_id and state = 'active';
    if not found then
        return false;
    end if;
    update stockroom.checkouts set payment_id = _payment_id, change_id = null, changing_until = null where id = _id;
    return true;
end $$;

-- Release the hold of a checkout for which Stripe created no payment. A hold that another request has bound meanwhile stays.
create function stockroom_api.give_up_checkout(_id uuid, _reservation_id uuid) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _checkout stockroom.checkouts;
begin
    select c.* into _checkout from stockroom.checkouts c where c.id = _id for update;
    if _checkout.payment_id is null and _checkout.reservation_id = _reservation_id then
        perform stockroom_api.release_hold(_reservation_id);
        update stockroom.checkouts set change_id = null, changing_until = null where id = _id;
    end if;
end $$;

-- The checkouts, with the state of their hold.
create view stockroom_api.checkouts as
select c.id, c.cart_id, c.lines, c.currency, c.shipping, c.shipping_to, c.tax, c.tax_by, c.tax_rate, c.tax_calculation, c.amount,
       c.payment_id, c.reservation_id, r.expires_at, r.state, c.scope, c.change_id, c.pending
  from stockroom.checkouts c
  join stockroom_api.reservations r on r.id = c.reservation_id;


-- Why the messages about a payment became no order, from the newest one.
create function stockroom_api.why_no_order(_payment_id text) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select e.why from stockroom.stripe_events e where e.payment_id = _payment_id and e.why is not null order by e.id desc limit 1;
$$;

-- The order of a payment, or null. `shipping` is known if the payment was created here.
create function stockroom_api.paid_order(_payment_id text) returns jsonb
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select jsonb_build_object('id', o.id, 'payment_id', o.payment_id, 'number', o.number, 'email', o.email, 'amount', o.amount,
               'currency', o.currency, 'cart_state', o.cart_state, 'shop', (select s.name from stockroom.shop s),
               'shipping', (select c.shipping from stockroom.checkouts c where c.payment_id = o.payment_id),
               'lines', coalesce(l.lines, '[]'))
      from stockroom.orders o
      left join lateral (
           select jsonb_agg(jsonb_build_object('id', l.line_id, 'sku', coalesce(v.sku, l.code), 'name', coalesce(p.name, l.name),
                      'size', coalesce(v.size, l.size), 'quantity', l.quantity, 'unit_price', l.unit_price, 'state', l.state,
                      'cause', l.cause, 'in_ledger', l.in_ledger) order by l.position) as lines
             from stockroom_api.cart_lines l
             left join public.product_variants v on v.id = l.variant_id
             left join public.products p on p.id = v.product_id
            where l.order_id = o.id and l.state <> 'replaced') l on true
     where o.payment_id = _payment_id;
$$;

-- Queue the confirmation of an order to its buyer, once. Without an address, or without lines if the shop does not want such a
-- mail, it waits and is queued when they are known. Returns its state: queued (now or before), no_address, waiting_for_cart.
create function stockroom_api.confirm_order(_order_id bigint, _title text, _body text, _has_lines boolean) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _email text := (select o.email from stockroom.orders o where o.id = _order_id);
    _may_go boolean := _has_lines or (select l.unread_confirmation = 'without_lines' from stockroom.stripe_link l);
begin
    if exists (select from stockroom.deliveries d where d.key = 'order:' || _order_id) then
        return 'queued';
    elsif _email is null or not _may_go then
        insert into stockroom.waiting_confirmations (order_id) values (_order_id) on conflict do nothing;
        return case when _email is null then 'no_address' else 'waiting_for_cart' end;
    end if;
    perform stockroom_api.enqueue_delivery('order:' || _order_id, 'order', 'orders', _email, _title, _body, _order_id);
    delete from stockroom.waiting_confirmations w where w.order_id = _order_id;
    return 'queued';
end $$;

-- The payments whose confirmation waits no longer: address and cart are known now, or the shop wants it without lines.
create function stockroom_api.due_confirmations(_limit int) returns setof text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.payment_id
      from stockroom.waiting_confirmations w
      join stockroom.orders o on o.id = w.order_id
     where o.email is not null
       and (exists (select from stockroom.order_lines l where l.order_id = o.id and l.state <> 'replaced')
            or (select s.unread_confirmation = 'without_lines' from stockroom.stripe_link s))
     order by w.asked_at, o.id
     limit _limit;
$$;

grant select on stockroom_api.checkouts to stockroom_app;
grant execute on function
    stockroom_api.begin_checkout(text, jsonb, text, text, int, int, bigint, jsonb, int, text, text),
    stockroom_api.hold_checkout(uuid),
    stockroom_api.bind_payment(uuid, uuid, text), stockroom_api.give_up_checkout(uuid, uuid),
    stockroom_api.why_no_order(text), stockroom_api.paid_order(text),
    stockroom_api.confirm_order(bigint, text, text, boolean), stockroom_api.due_confirmations(int)
    to stockroom_app;
