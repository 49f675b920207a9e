-- The large sample shop, filling: many orders over many days, written set-based, a part of whole days in each transaction. After
-- each part the shop is whole: orders, stock and every check agree.

-- Record the planned orders with their lines. A line that does not fit was settled by a person since, or waits if it is recent.
create function stockroom_api.record_large_orders(_l stockroom.large_sample) returns void
    language sql set jit = off as $$
    with planned as materialized (
        select x.number, min(x.paid_at) as paid_at, bool_or(x.is_unread) as is_unread, sum(x.quantity * x.price) as goods,
               (array['Alex', 'Bente', 'Chris', 'Dana', 'Elif', 'Finn', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Kim', 'Lena', 'Milo', 'Nora',
                      'Oskar', 'Paula', 'Quinn', 'Rosa', 'Sami', 'Tilda'])[1 + b.buyer * 7 % 20] as given,
               (array['Adler', 'Berg', 'Castro', 'Demir', 'Ernst', 'Fischer', 'Garcia', 'Haas', 'Ivanov', 'Jansen', 'Klein', 'Lang',
                      'Maier', 'Novak', 'Olsen', 'Peters', 'Roth', 'Sommer', 'Thiel'])[1 + b.buyer * 13 % 19] as family, b.buyer
          from stockroom.large_lines x
         cross join lateral (select x.number::bigint % greatest(_l.orders / 2, 1) as buyer) b
         group by x.number, b.buyer
    ), recorded as (
        insert into stockroom.orders (payment_id, number, charge_id, email, name, amount, currency, paid_at, livemode, policy, cart_state,
               cart_source, cart_raw, difference, extras, imported_at)
        select format('pi_3S%sB%s', lpad(to_hex(p.number), 8, '0'), substr(md5('pi' || p.number), 1, 13)), 'SO-' || 10000 + p.number,
               format('ch_3S%sB%s', lpad(to_hex(p.number), 8, '0'), substr(md5('ch' || p.number), 1, 13)),
               format('buyer%s@example.com', lpad(p.buyer::text, 7, '0')),
               p.given || ' ' || p.family, p.goods + h.shipping, lower(s.currency), p.paid_at, false, 'normal',
               case when p.is_unread then 'unreadable' else 'read' end,
               case when not p.is_unread then 'the payment''s metadata' end, case when p.is_unread then '[{"sku": "J4CP-3' end,
               case when not p.is_unread then 0 end, case when not p.is_unread then h.shipping end, p.paid_at + interval '2 seconds'
          from planned p
         cross join stockroom.shop s
         cross join lateral (select case when p.goods < 10000 then 495 else 0 end as shipping) h
         order by p.number
        returning id, number, payment_id
    ), line as (
        insert into stockroom.order_lines (order_id, position, code, name, unit_price, quantity, variant_id, state, cause, taken, oversold)
        select o.id, x.position, v.sku, p.name, x.price, x.quantity, x.variant_id,
               case when x.fits then 'taken' when k.is_recent then 'failed' else 'resolved' end,
               case when not x.fits and k.is_recent then 'insufficient_stock' end, case when x.fits then x.quantity else 0 end,
               case when x.fits or k.is_recent then 0 else x.quantity end
          from stockroom.large_lines x
          join recorded o on o.number = 'SO-' || 10000 + x.number
          join public.product_variants v on v.id = x.variant_id
          join public.products p on p.id = v.product_id
         cross join lateral (select x.paid_at > _l.ends_at - interval '20 hours' as is_recent) k
         where not x.is_unread
         order by x.number, x.position
        returning id, order_id, position
    ), marked as (
        update stockroom.large_lines x set line_id = l.id
          from line l join recorded o on o.id = l.order_id
         where o.number = 'SO-' || 10000 + x.number and l.position = x.position
        returning x.paid_at, x.fits, x.variant_id, x.quantity, x.line_id, o.payment_id, o.number
    )
    insert into stockroom.large_steps (at, place, key, kind, person, variant_id, movement_type, reason, quantity, reference_type,
           reference, line_id)
    select m.paid_at, 1, 'stripe:' || m.payment_id, 'order', 'Stripe', case when m.fits then m.variant_id end, 'sale', 'stock_decrease',
           -m.quantity, 'order', m.number, m.line_id
      from marked m;
$$;

-- Record the refunds that people decided between these moments, and what they decided; one in thirty orders has one. In the last
-- part also those that wait.
create function stockroom_api.record_large_refunds(_l stockroom.large_sample, _from timestamptz, _until timestamptz) returns void
    language sql set jit = off as $$
    with candidate as materialized (
        select o.id, o.payment_id, o.charge_id, o.currency, h.chance, d.decided_at, d.decided_at - interval '20 hours' as refunded_at
          from stockroom.orders o
         cross join lateral (select abs(hashint8extended(o.id, 0)) % 10000 as chance) h
         cross join lateral (
            select o.paid_at + make_interval(days => 3 + (h.chance % 9)::int, secs => (h.chance * 31 % 36000)::int) as decided_at) d
         where o.paid_at between _from - interval '13 days' and _until and h.chance < 330
           and d.decided_at >= _from and d.decided_at < case when _until < _l.ends_at then _until else _until + interval '20 hours' end
    ), line as materialized (
        select distinct on (c.id) c.*, l.id as line_id, l.variant_id, l.quantity, l.unit_price, c.decided_at < _l.ends_at as is_decided,
               format('re_3S%s', substr(md5('re' || c.id), 1, 22)) as refund_id
          from candidate c
          join stockroom.order_lines l on l.order_id = c.id and l.state = 'taken'
         order by c.id, l.position
    ), refund as (
        insert into stockroom.refunds (refund_id, order_id, payment_id, charge_id, amount, currency, status, reason, refunded_at,
               received_at, told_at, state, decided_at, decided_by)
        select x.refund_id, x.id, x.payment_id, x.charge_id, x.unit_price * x.quantity, x.currency, 'succeeded', 'requested_by_customer',
               x.refunded_at, x.refunded_at + interval '2 seconds', x.refunded_at, case when x.is_decided then 'decided' else 'waiting' end,
               case when x.is_decided then x.decided_at end, case when x.is_decided then 'Sam Okafor' end
          from line x
         order by x.refunded_at
        returning id, refund_id
    ), step as (
        insert into stockroom.large_steps (at, place, key, kind, person, variant_id, movement_type, reason, quantity, reference_type,
               reference, line_id, refund_id, disposition)
        select x.decided_at, 1, 'sample:' || x.refund_id, 'decide_refund', 'Sam Okafor',
               case when w.disposition = 'restock' then x.variant_id end, 'restoration', 'refund', x.quantity, 'refund', x.refund_id,
               x.line_id, r.id, w.disposition
          from line x
          join refund r on r.refund_id = x.refund_id
         cross join lateral (select case when x.chance % 10 < 7 then 'restock' else
               (array['damaged', 'not_returned', 'goodwill'])[x.chance % 10 - 6] end as disposition) w
         where x.is_decided
        returning line_id, quantity, disposition
    )
    update stockroom.order_lines l set restored = l.restored + s.quantity
      from step s where s.line_id = l.id and s.disposition = 'restock';
$$;

-- Post the steps in order of time: operations, movements with levels, hashes and daily figures, and what belongs to each movement.
create function stockroom_api.post_large_steps() returns void
    language plpgsql set jit = off set plan_cache_mode = force_generic_plan as $$
declare
    _lines stockroom.line[];
    _operations bigint[];
    _people text[];
    _recorded timestamptz[];
    _line_ids bigint[];
    _refund_ids bigint[];
begin
    analyze stockroom.large_steps;
    perform stockroom_api.lock_variants(array(select distinct s.variant_id from stockroom.large_steps s where s.variant_id is not null));
    with claimed as (
        insert into stockroom.operations (key, kind, fingerprint, performed_by, created_at)
        select s.key, s.kind, sha256(convert_to(s.kind || ' ' || replace(s.key, 'stripe:', ''), 'UTF8')), min(s.person),
               min(s.at) + interval '2 seconds'
          from stockroom.large_steps s group by s.key, s.kind order by min(s.at), s.key
        returning id, key
    ), decided as (
        insert into stockroom.refund_decisions (refund_id, line_id, disposition, quantity, operation_id, decided_by, decided_at)
        select s.refund_id, s.line_id, s.disposition, s.quantity, c.id, s.person, s.at
          from stockroom.large_steps s join claimed c on c.key = s.key
         where s.refund_id is not null and s.variant_id is null
         order by s.at
    )
    select array_agg(row (s.variant_id, s.movement_type, s.reason, s.quantity, s.at, s.reference_type, s.reference, null, s.note)
                     ::stockroom.line order by s.at, s.place, c.id, s.line_id),
           array_agg(c.id order by s.at, s.place, c.id, s.line_id), array_agg(s.person order by s.at, s.place, c.id, s.line_id),
           array_agg(s.at + interval '2 seconds' order by s.at, s.place, c.id, s.line_id),
           array_agg(s.line_id order by s.at, s.place, c.id, s.line_id), array_agg(s.refund_id order by s.at, s.place, c.id, s.line_id)
      into _lines, _operations, _people, _recorded, _line_ids, _refund_ids
      from stockroom.large_steps s join claimed c on c.key = s.key
     where s.variant_id is not null;
    with posted as materialized (
        select p.movement_id, p.operation_id, p.quantity, p.n
          from stockroom_api.post_lines(_operations[1], 'Stripe', _lines, _operations, _people, _recorded) with ordinality
               p (operation_id, replayed, movement_id, variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
                  variant_sequence, n)
    ), linked as (
        insert into stockroom.order_line_movements (movement_id, line_id)
        select p.movement_id, _line_ids[p.n] from posted p where _line_ids[p.n] is not null
    )
    insert into stockroom.refund_decisions (refund_id, line_id, disposition, quantity, operation_id, movement_id, decided_by, decided_at)
    select _refund_ids[p.n], _line_ids[p.n], 'restock', p.quantity, p.operation_id, p.movement_id, _people[p.n],
           (_lines[p.n]).occurred_at
      from posted p where _refund_ids[p.n] is not null;
end $$;

-- Open the cases of recent orders, and note those that people have closed since. Plans must use indexes, because the lines of one
-- part are few among all.
create function stockroom_api.note_large_cases() returns void
    language sql set jit = off set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
    select stockroom_api.review_orders(array(
        select distinct l.order_id from stockroom.large_lines x join stockroom.order_lines l on l.id = x.line_id
         where l.state = 'failed' order by 1), 'Stockroom');
    select stockroom_api.open_alerts(array(
        select row ('unreadable_cart', 'warning', 'cart:' || o.payment_id,
                    format('Order %s: its cart is cut off', stockroom_api.order_name(o)),
                    jsonb_build_object('raw', o.cart_raw, 'cart_state', o.cart_state), o.id, null, null, null, 0, o.amount, o.currency)
                    ::stockroom_api.new_alert
          from stockroom.large_lines x
          join stockroom.orders o on lower(o.number) = lower('SO-' || 10000 + x.number)
         where x.is_unread and x.position = 1));
    with closed as (
        insert into stockroom.alerts (kind, severity, state, cause, sentence, order_id, units, money, currency, attempts, first_at, last_at,
               resolved_at, resolved_by, resolution)
        select 'insufficient_stock', 'urgent', 'resolved', 'order:' || o.payment_id,
               format('Order %s: %s not taken off the shelf: %s', o.number, count(*), string_agg(l.code, '; ' order by l.position)),
               o.id, sum(l.oversold), sum(l.oversold * l.unit_price), o.currency, 1, o.paid_at, o.paid_at, o.paid_at + interval '5 hours',
               'Mia Keller', 'Offered another pair'
          from stockroom.large_lines x
          join stockroom.order_lines l on l.id = x.line_id
          join stockroom.orders o on o.id = l.order_id
         where l.state = 'resolved'
         group by o.id
        returning id, sentence, first_at, resolved_at, resolved_by, resolution
    )
    insert into stockroom.alert_history (alert_id, at, who, what, note)
    select c.id, w.at, w.who, w.what, w.note
      from closed c
     cross join lateral (values (c.first_at, 'Stockroom', 'opened', c.sentence), (c.resolved_at, c.resolved_by, 'resolved', c.resolution))
            w (at, who, what, note)
     order by c.id, w.at;
$$;

-- Fill the next days of the large sample, about four thousand orders and at most a week, in one transaction. Returns how far it is,
-- or no row if there is nothing to fill.
create function stockroom_api.fill_large() returns table (made int, orders int, filled int, days int)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off set work_mem = '64MB' as $$
declare
    _l stockroom.large_sample;
    _last int;
begin
    select * into _l from stockroom.large_sample s where s.finished_at is null for update;
    if not found then
        return;
    end if;
    _last := least(_l.days, _l.filled + least(7, greatest(1, round(4000.0 * _l.days / _l.orders)::int)));
    perform setseed((_l.filled::float8 / _l.days));
    perform stockroom_api.plan_large_lines(_l, _l.filled, _last);
    perform stockroom_api.plan_large_stock(_l, _l.filled, _last);
    perform stockroom_api.record_large_orders(_l);
    perform stockroom_api.record_large_refunds(_l, stockroom_api.large_day(_l, _l.filled), stockroom_api.large_day(_l, _last));
    perform stockroom_api.post_large_steps();
    perform stockroom_api.note_large_cases();
    return query
    update stockroom.large_sample s
       set filled = _last, made = s.made + (select count(distinct x.number) from stockroom.large_lines x)::int,
           finished_at = case when _last = s.days then clock_timestamp() end
    returning s.made, s.orders, s.filled, s.days;
    truncate stockroom.large_lines, stockroom.large_steps;
end $$;

-- The large sample as it is, if there is one.
create view stockroom_api.large_sample as
select l.days, l.orders, l.ends_at, l.filled, l.made, l.finished_at from stockroom.large_sample l;

grant select on stockroom_api.large_sample to stockroom_app;
grant execute on function
    stockroom_api.begin_large(text, text, text, int, int, timestamptz, jsonb), stockroom_api.fill_large()
    to stockroom_app;
