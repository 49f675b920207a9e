-- Taking paid orders off the shelf: a line is taken if there is enough of its variant, else it is part of a case.

-- Which open lines of these orders can be taken, and how many units of each. First paid, first served, line by line in the order of
-- the cart; a line gets all its units or none, or, with `_is_forced`, what is there. The orders `_holding`, whose own hold was just
-- consumed, come first. The variants are locked. It is a loop, because each line decides what is left for the next.
create function stockroom_api.share_out(_order_ids bigint[], _is_forced boolean, _holding bigint[])
    returns table (line_id bigint, units int)
    language plpgsql as $$
declare
    _wish record;
    _variant_id uuid;
    _left bigint;
begin
    for _wish in
        select l.id, l.variant_id, v.stock_quantity - v.reserved_quantity as available, l.quantity - l.taken - l.oversold as wanted
          from stockroom.order_lines l
          join stockroom.orders o on o.id = l.order_id
          join public.product_variants v on v.id = l.variant_id
         where l.order_id = any (_order_ids) and l.state = 'failed'
         order by l.variant_id, l.order_id = any (_holding) desc, o.paid_at, l.order_id, l.position
    loop
        if _wish.variant_id is distinct from _variant_id then
            _variant_id := _wish.variant_id;
            _left := _wish.available;
        end if;
        if _wish.wanted <= _left or _is_forced and _left > 0 then
            line_id := _wish.id;
            units := least(_wish.wanted, _left);
            _left := _left - units;
            return next;
        end if;
    end loop;
end $$;

-- The active holds that orders may consume: the hold named in the payment's metadata, or the hold bound to the payment.
create function stockroom_api.holds_of(_order_ids bigint[]) returns table (id uuid, order_id bigint)
    language sql stable as $$
    select r.id, o.id from stockroom.orders o join stockroom.reservations r on r.id = o.reservation_id
     where o.id = any (_order_ids) and r.state = 'active'
    union
    select r.id, o.id from stockroom.orders o join stockroom.reservations r on r.payment_id = o.payment_id
     where o.id = any (_order_ids) and r.state = 'active';
$$;

-- Take lines off the shelf as far as there is enough: one sale movement for each line. `_order_operations` has the claimed
-- operation of each order. The reason 'forced' takes what is there. A sale by a person happens now, one by Stripe when it was
-- paid. Returns how many lines were taken.
create function stockroom_api.take_lines(
    _order_ids bigint[], _order_operations bigint[], _reason text, _user_id bigint, _performed_by text, _note text
) returns bigint
    language plpgsql as $$
declare
    _lines stockroom.line[];
    _line_ids bigint[];
    _operations bigint[];
    _held uuid[];
    _holding bigint[];
begin
    select coalesce(array_agg(h.id), '{}'), coalesce(array_agg(h.order_id), '{}') into _held, _holding
      from stockroom_api.holds_of(_order_ids) h;
    perform stockroom_api.lock_free_of_expired(array(
        select distinct l.variant_id from stockroom.order_lines l
         where l.order_id = any (_order_ids) and l.state = 'failed' and l.variant_id is not null), _held);
    select array_agg(row (l.variant_id, 'sale', _reason, -s.units, case when _user_id is null then least(o.paid_at, now()) end,
                          'order', left(coalesce(o.number, o.payment_id), 200), null, _note)::stockroom.line
                     order by o.paid_at, o.id, l.position),
           array_agg(l.id order by o.paid_at, o.id, l.position),
           array_agg(c.operation_id order by o.paid_at, o.id, l.position)
      into _lines, _line_ids, _operations
      from stockroom_api.share_out(_order_ids, _reason = 'forced', _holding) s
      join stockroom.order_lines l on l.id = s.line_id
      join stockroom.orders o on o.id = l.order_id
      join unnest(_order_ids, _order_operations) c (order_id, operation_id) on c.order_id = o.id;
    if _lines is null then
        return 0;
    end if;
    perform stockroom_api.check_lines(_lines[:1]);
    with posted as (
        select p.movement_id, _line_ids[p.n] as line_id, -p.quantity as units
          from stockroom_api.post_lines(_operations[1], _performed_by, _lines, _operations) with ordinality
               p (operation_id, replayed, movement_id, variant_id, sku, movement_type, reason, quantity, quantity_before,
                  quantity_after, variant_sequence, n)
    ), linked as (
        insert into stockroom.order_line_movements (movement_id, line_id)
        select p.movement_id, p.line_id
          from posted p join stockroom.order_lines l on l.id = p.line_id and l.movement_id is not null
    )
    update stockroom.order_lines l
       set taken = l.taken + p.units, movement_id = coalesce(l.movement_id, p.movement_id),
           state = case when l.taken + p.units + l.oversold = l.quantity then 'taken' else l.state end,
           cause = case when l.taken + p.units + l.oversold = l.quantity then null else l.cause end
      from posted p where l.id = p.line_id;
    return cardinality(_line_ids);
end $$;

-- The open lines, with what is available now, said once a variant. `variants`: those that an unclear code could mean.
create view stockroom_api.open_lines as
select l.id as line_id, l.order_id, o.payment_id, stockroom_api.order_name(o) as order_name, o.currency, l.position, l.code, v.sku,
       l.cause, l.unit_price, l.quantity - l.taken - l.oversold as missing, v.computed_available_stock as available,
       (select count(*) from stockroom.order_lines x
         where x.order_id = l.order_id and x.state not in ('bundle', 'no_goods', 'replaced')) as all_lines,
       format(case when b.is_second then 'another %s × %s%s' else '%s × %s, %s' end,
              l.quantity - l.taken - l.oversold, coalesce(v.sku, l.code),
              case when b.is_second then null
                   when l.cause = 'unknown_variant' then coalesce(u.why, 'no variant has this code')
                   when l.cause = 'undone' then 'put back by an undo'
                   else v.computed_available_stock || ' available' end) as said,
       u.variants
  from stockroom.order_lines l
  join stockroom.orders o on o.id = l.order_id
  left join public.product_variants v on v.id = l.variant_id
  left join lateral stockroom_api.unclear(case l.cause when 'unknown_variant' then l.code end, l.codes, coalesce(l.size, '')) u on true
 cross join lateral (
    select exists (select from stockroom.order_lines x
                    where x.order_id = l.order_id and x.state = 'failed' and x.variant_id = l.variant_id
                      and x.cause = l.cause and x.position < l.position) as is_second) b
 where l.state = 'failed';

-- Open, update or resolve the case of each order according to its open lines. An order has one case, whatever its lines lack. Lines
-- of an order whose whole money went back are settled first.
create function stockroom_api.review_orders(_order_ids bigint[], _who text) returns void
    language sql as $$
    select stockroom_api.settle_refunded(_order_ids);
    select stockroom_api.open_alerts(array(
        select row (case when bool_or(f.cause = 'unknown_variant') and not bool_or(f.cause <> 'unknown_variant')
                         then 'unknown_variant' else 'insufficient_stock' end,
                    'urgent', 'order:' || f.payment_id,
                    format('Order %s: %s of %s lines not taken off the shelf: %s', f.order_name, count(*),
                           f.all_lines, string_agg(f.said, '; ' order by f.position)) || stockroom_api.refund_question(f.order_id),
                    jsonb_build_object('lines', jsonb_agg(jsonb_build_object('line_id', f.line_id, 'code', f.code, 'sku', f.sku,
                        'cause', f.cause, 'missing', f.missing, 'available', f.available, 'variants', f.variants) order by f.position)),
                    f.order_id, null, null, null, sum(f.missing), coalesce(sum(f.missing * f.unit_price), 0), f.currency)
                    ::stockroom_api.new_alert
          from stockroom_api.open_lines f
         where f.order_id = any (_order_ids)
         group by f.order_id, f.payment_id, f.order_name, f.currency, f.all_lines));
    select stockroom_api.resolve_cause('order:' || o.payment_id, _who, 'Every line is off the shelf or settled')
      from stockroom.orders o
      join stockroom.alerts a on a.cause = 'order:' || o.payment_id and a.state <> 'resolved'
     where o.id = any (_order_ids)
       and not exists (select from stockroom.order_lines l where l.order_id = o.id and l.state = 'failed');
$$;

-- Open a case for each of these orders whose cart could not be read, or whose lines do not add up to the money received. Resolve
-- the case of the others.
create function stockroom_api.question_carts(_order_ids bigint[], _told stockroom_api.told_order[]) returns void
    language sql as $$
    select stockroom_api.open_alerts(array(
        select row (coalesce(t.case_kind, case when o.cart_state = 'read' then 'amount_mismatch' else 'unreadable_cart' end),
                    case when o.cart_state = 'absent' then 'note' else 'warning' end,
                    'cart:' || o.payment_id,
                    format('Order %s: %s', stockroom_api.order_name(o), t.why),
                    jsonb_build_object('raw', left(o.cart_raw, 5000), 'cart_state', o.cart_state, 'difference', o.difference,
                        'readings', nullif(jsonb_array_length(coalesce(o.readings, '[]')), 0)),
                    o.id, null, null, null, 0, abs(coalesce(o.difference, o.amount)), o.currency)::stockroom_api.new_alert
          from unnest(_told) t
          join stockroom.orders o on o.payment_id = t.payment_id
         where o.id = any (_order_ids) and t.why is not null and o.policy <> 'skip'));
    select stockroom_api.resolve_cause(a.cause, 'Stockroom', 'The cart could be read')
      from unnest(_told) t
      join stockroom.orders o on o.payment_id = t.payment_id
      join stockroom.alerts a on a.cause = 'cart:' || o.payment_id and a.state <> 'resolved'
     where o.id = any (_order_ids) and t.why is null and o.cart_state = 'read';
$$;

-- End the open lines of these orders: the missing units become oversold, that is paid for and not taken. `_is_awaited`: the buyers
-- wait for them.
create function stockroom_api.oversell(_order_ids bigint[], _is_awaited boolean default false) returns void
    language sql as $$
    update stockroom.order_lines
       set oversold = quantity - taken, state = 'resolved', cause = null,
           awaited_at = case when _is_awaited and variant_id is not null then now() end
     where order_id = any (_order_ids) and state = 'failed';
$$;

-- The order of a case, locked, so that two people work on it one after the other. Refuses: SK008.
create function stockroom_api.lock_order(_order_id bigint) returns stockroom.orders
    language plpgsql as $$
declare
    _order stockroom.orders;
begin
    select * into _order from stockroom.orders where id = _order_id for no key update;
    if not found then
        perform stockroom_api.refuse_value('order', 'is not known');
    end if;
    return _order;
end $$;

-- Apply paid orders in one transaction, as many as are given: record them, take what is there, open cases, and link refunds that
-- arrived before their order. A known payment is not applied again, unless its cart arrives only now. Returns how many orders
-- were new and how many lines were taken. The events `_done`, which they come from, are marked. Plans are generic, because foreign key checks would otherwise be planned for each row,
-- and must use indexes, so that they stay good while the tables grow. PostgreSQL before 18 takes such plans for expensive and
-- would compile them, so JIT is off.
create function stockroom_api.apply_orders(_orders jsonb, _done bigint[] default '{}')
    returns table (recorded bigint, taken bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '10s'
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_mergejoin = off set jit = off
    as $$
declare
    _told stockroom_api.told_order[] := stockroom_api.told_orders(_orders);
    _new bigint[];
    _filled bigint[];
    _normal bigint[];
    _forced bigint[];
begin
    perform pg_advisory_xact_lock_shared(hashtext('stockroom.orders'));
    if cardinality(_done) > 0 then
        perform stockroom_api.finish_events(_done, 'done');
    end if;
    if cardinality(_told) = 1 then
        taken := stockroom_api.take_everyday(_told[1]);
        if taken is not null then
            recorded := 1;
            return next;
            return;
        end if;
    end if;
    _new := stockroom_api.record_orders(_told);
    _filled := stockroom_api.learn_orders(_told, _new);
    perform stockroom_api.settle_refunded(_filled);
    select coalesce(array_agg(o.id) filter (where o.policy = 'normal'), '{}'),
           coalesce(array_agg(o.id) filter (where o.policy = 'force'), '{}')
      into _normal, _forced
      from stockroom.orders o where o.id = any (_new || _filled) and o.cart_state = 'read';
    taken := stockroom_api.take_lines(_normal, stockroom_api.claim_orders(_normal), 'stock_decrease', null, 'Stripe', null)
           + stockroom_api.take_lines(_forced, stockroom_api.claim_orders(_forced), 'forced', null, 'Stripe',
                                      'Imported by force: what is there');
    perform stockroom_api.oversell(_forced);
    perform stockroom_api.review_orders(_normal, 'Stockroom');
    perform stockroom_api.question_carts(_new || _filled, _told);
    perform stockroom_api.catch_up(_told);
    perform stockroom_api.question_doubles(array(
        select o.id from unnest(_told) t join stockroom.orders o on o.payment_id = t.payment_id order by o.id));
    recorded := cardinality(_new);
    return next;
end $$;

-- Store an event and apply its order at once, for a caller who waits. A known event that is new is marked as well.
create function stockroom_api.apply_told(_events jsonb, _orders jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _ids bigint[];
begin
    perform stockroom_api.receive_events(_events);
    _ids := array(select e.id from jsonb_array_elements(_events) n
                    join stockroom.stripe_events e on e.event_id = n ->> 'event_id' and e.state = 'new');
    perform stockroom_api.apply_orders(_orders, _ids);
end $$;

-- Take the lock for applying refunds and disputes: no other transaction applies orders until this one ends. Otherwise a refund
-- could miss the order that another transaction is recording, and that order could miss the refund. Call it first.
create function stockroom_api.apply_alone() returns void
    language sql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '10s' as $$
    select pg_advisory_xact_lock(hashtext('stockroom.orders'));
$$;

-- Follow the refunds of these orders: their open lines and their cases are settled, ask again, or come back.
create function stockroom_api.follow_refunds(_order_ids bigint[]) returns void
    language sql as $$
    select stockroom_api.reopen_refunded(_order_ids);
    select stockroom_api.review_orders(_order_ids, 'Stockroom');
    select stockroom_api.follow_money(_order_ids);
$$;

-- Link refunds and disputes that arrived before their order, and follow them.
create function stockroom_api.catch_up(_told stockroom_api.told_order[]) returns void
    language plpgsql as $$
declare
    _refunded bigint[];
    _disputes bigint[];
    _disputed bigint[];
begin
    with linked as (
        update stockroom.refunds r set order_id = o.id,
               state = case when stockroom_api.is_release(r.kind, r.amount, r.refunded_at, o) then 'released' else r.state end
          from unnest(_told) t
          join stockroom.orders o on o.payment_id = t.payment_id
         where r.order_id is null and (r.payment_id = o.payment_id or r.charge_id = o.charge_id)
        returning r.order_id
    )
    select array_agg(distinct l.order_id) into _refunded from linked l;
    with linked as (
        update stockroom.disputes d set order_id = o.id
          from unnest(_told) t
          join stockroom.orders o on o.payment_id = t.payment_id
         where d.order_id is null and (d.payment_id = o.payment_id or d.charge_id = o.charge_id)
        returning d.id, d.order_id
    )
    select array_agg(l.id), array_agg(distinct l.order_id) into _disputes, _disputed from linked l;
    if _refunded is not null then
        perform stockroom_api.follow_refunds(_refunded);
    end if;
    if _disputes is not null then
        perform stockroom_api.flag_disputes(_disputed);
        perform stockroom_api.say_disputes(_disputes);
    end if;
end $$;

grant select on stockroom_api.open_lines to stockroom_app;
grant execute on function stockroom_api.apply_orders(jsonb, bigint[]), stockroom_api.apply_told(jsonb, jsonb), stockroom_api.apply_alone() to stockroom_app;
