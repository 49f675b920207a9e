-- The everyday order in few statements: a new payment whose cart names variants that are on the shelf, and about which there is
-- nothing to decide. It writes the same as the general path in 2_taking.sql; a test compares the two.

-- The variants that the codes of these lines name, in the order of the lines, if the order can be taken as it is; else null: a line
-- has another variant than its codes, a code is unknown, mapped or names two variants, two lines are the same variant, there are
-- too few units now, an expired hold could give some back, or its own hold `_own` has other variants.
create function stockroom_api.everyday_variants(_lines stockroom_api.told_line[], _own uuid[]) returns uuid[]
    language plpgsql stable as $$
declare
    _variants uuid[];
begin
    select array_agg(v.id order by l.n) into _variants
      from unnest(_lines) with ordinality l (code, codes, size, name, quantity, unit_price, variant_id, n)
     cross join lateral (
        select array_agg(x.id) as ids
          from unnest(l.code || coalesce(l.codes, '{}')) c (code)
          left join lateral (
            select o.variant_id as id from stockroom_api.code_owners(c.code) o where o.rank = 1 and o.units = 1
            union all
            select p.id from public.product_variants p where p.stripe_price_id = c.code
            union all
            select p.id from public.product_variants p
             where p.id = case when c.code ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then c.code::uuid end) x on true) m
      join public.product_variants v on v.id = m.ids[1] and m.ids[1] = all (m.ids)
     where l.variant_id is null
       and l.quantity <= v.stock_quantity - v.reserved_quantity
                         + case when _own = '{}' then 0
                                else coalesce((select sum(h.quantity) from stockroom.reservation_lines h
                                                where h.reservation_id = any (_own) and h.variant_id = v.id), 0) end
       and not exists (select from stockroom.sku_aliases a
                        where a.code = any (l.code || coalesce(l.codes, '{}')) and a.ended_at is null and a.order_id is null);
    if cardinality(_variants) is distinct from cardinality(_lines)
       or cardinality(_lines) > 1 and (select count(distinct id) from unnest(_variants) id) < cardinality(_lines)
       or stockroom_api.due_holds(_variants, _own) <> '{}'
       or _own <> '{}' and exists (select from stockroom.reservation_lines h
                                    where h.reservation_id = any (_own) and h.variant_id <> all (_variants)) then
        return null;
    end if;
    return _variants;
end $$;

-- Whether somebody has something to decide about a payment, or to settle: its order exists, a refund or dispute came before it,
-- another order has the same number or buyer, or its sale may not be posted without more.
create function stockroom_api.is_eventful(_told stockroom_api.told_order) returns boolean
    language plpgsql stable as $$
begin
    return exists (select from stockroom.orders o where o.payment_id = _told.payment_id)
        or exists (select from stockroom.operations p where p.key = 'stripe:' || _told.payment_id)
        or exists (select from stockroom.orders o where lower(o.number) = lower(_told.number))
        or exists (select from stockroom.orders o
                    where lower(o.email) = lower(_told.email)
                      and o.paid_at between _told.paid_at - interval '1 hour' and _told.paid_at + interval '1 hour')
        or exists (select from stockroom.refunds r where r.order_id is null and r.payment_id = _told.payment_id)
        or exists (select from stockroom.refunds r where r.order_id is null and r.charge_id = _told.charge_id)
        or exists (select from stockroom.disputes d where d.order_id is null and d.payment_id = _told.payment_id)
        or exists (select from stockroom.disputes d where d.order_id is null and d.charge_id = _told.charge_id)
        or not exists (select from stockroom_api.plain_reasons r
                        where r.movement_type = 'sale' and r.reason = 'stock_decrease' and r.sign < 1);
end $$;

-- Record an everyday order and take it off the shelf, consuming its own hold; returns its number of lines. In every other case it
-- returns null and records nothing, and the general path does it.
create function stockroom_api.take_everyday(_told stockroom_api.told_order) returns bigint
    language plpgsql as $$
declare
    _at timestamptz := least(_told.paid_at, now());
    _own uuid[] := array(
        select r.id from stockroom.reservations r where r.id = _told.reservation_id and r.state = 'active'
        union
        select r.id from stockroom.reservations r where r.payment_id = _told.payment_id and r.state = 'active');
    _lines stockroom_api.told_line[];
    _variants uuid[];
    _order_id bigint;
    _operation_id bigint;
    _sold stockroom_api.sold_line[];
begin
    if _told.cart_state <> 'read' or _told.policy <> 'normal' or _told.why is not null or cardinality(_own) > 1
       or stockroom_api.shop_day(_at) <> stockroom_api.shop_day(now()) or stockroom_api.is_eventful(_told) then
        return null;
    end if;
    _lines := array(select l from jsonb_populate_recordset(null::stockroom_api.told_line, _told.lines) l);
    _variants := stockroom_api.everyday_variants(_lines, _own);
    if _variants is null then
        return null;
    end if;
    insert into stockroom.orders (payment_id, number, charge_id, session_id, email, name, amount, currency, paid_at, livemode,
           policy, cart_state, cart_source, cart_raw, difference, extras, readings, tolerated, tolerance, released,
           reservation_id, discount)
    values (_told.payment_id, _told.number, _told.charge_id, _told.session_id, _told.email, _told.name, _told.amount,
            _told.currency, _told.paid_at, _told.livemode, 'normal', 'read', _told.cart_source, _told.cart_raw, _told.difference,
            _told.extras, _told.readings, _told.tolerated, _told.tolerance, coalesce(_told.released, 0),
            _told.reservation_id, _told.discount)
    on conflict (payment_id) do nothing
    returning id into _order_id;
    if _order_id is null then
        return null;
    end if;
    _operation_id := nextval('stockroom.operations_id_seq');
    _sold := stockroom_api.post_sale(_operation_id, 'Stripe', left(coalesce(_told.number, _told.payment_id), 200), _variants,
        array(select l.quantity from unnest(_lines) l), _own[1], _at);
    if _sold is null then  -- another transaction has taken the units meanwhile
        delete from stockroom.orders where id = _order_id;
        return null;
    end if;
    perform stockroom_api.record_sale(_told.payment_id, _operation_id, _own[1]);
    insert into stockroom.order_lines (order_id, position, code, codes, size, name, unit_price, quantity, variant_id, state, taken,
           movement_id)
    select _order_id, l.n, l.code, coalesce(l.codes, '{}'), l.size, l.name, l.unit_price, l.quantity, _variants[l.n], 'taken',
           l.quantity, _sold[l.n].id
      from unnest(_lines) with ordinality l (code, codes, size, name, quantity, unit_price, no_id, n);
    return cardinality(_lines);
end $$;

-- Record that an order is off the shelf: the end of its own hold, and its operation.
create function stockroom_api.record_sale(_payment_id text, _operation_id bigint, _own uuid) returns void
    language plpgsql as $$
begin
    if _own is not null then
        update stockroom.reservations set state = 'consumed', ended_at = now() where id = _own;
    end if;
    insert into stockroom.operations (id, key, kind, fingerprint, performed_by) overriding system value
    values (_operation_id, 'stripe:' || _payment_id, 'order', sha256(convert_to('order ' || _payment_id, 'UTF8')), 'Stripe');
end $$;
