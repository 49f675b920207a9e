-- The large sample shop: many orders over many days, written set-based, a part of whole days in each transaction. After each part
-- the shop is whole: orders, stock and every check agree.

-- Turn an empty sample shop, which has only its catalogue, into the large one. Refuses: SK008.
create function stockroom_api.begin_large(_days int, _orders int, _ends_at timestamptz, _weights jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    if not (select is_sample from stockroom.shop) or exists (select from public.stock_movements) then
        perform stockroom_api.refuse_value('shop', 'is not an empty sample shop');
    elsif _days is null or _days not between 1 and 3660 then
        perform stockroom_api.refuse_value('days', 'must be 1 to 3,660');
    elsif _orders is null or _orders not between 1 and 10000000 then
        perform stockroom_api.refuse_value('orders', 'must be 1 to 10,000,000');
    end if;
    insert into stockroom.large_sample (days, orders, ends_at, weights) values (_days, _orders, _ends_at, _weights);
end $$;

-- The moment at which a day of the large sample begins. Its days are 24 hours long and end when it ends.
create function stockroom_api.large_day(_l stockroom.large_sample, _day int) returns timestamptz
    language sql immutable
    return _l.ends_at - make_interval(hours => 24 * (_l.days - _day));

-- Plan the orders of the days from `_first` up to `_last`: more on weekends and in the evening, and growing over time. One in
-- about a hundred of the last day has a cart that cannot be read.
create function stockroom_api.plan_large_lines(_l stockroom.large_sample, _first int, _last int) returns void
    language sql set jit = off as $$
    truncate stockroom.large_lines, stockroom.large_steps;
    insert into stockroom.large_lines (number, position, variant_id, quantity, price, paid_at, is_unread)
    with day as materialized (
        select g.day, stockroom_api.large_day(_l, g.day) as starts_at,
               (1 + 0.7 * g.day / _l.days)
               * (array[1.0, 0.85, 0.9, 1.0, 1.25, 1.6, 1.45])[extract(isodow from stockroom_api.large_day(_l, g.day) at time zone s.zone)]
                   as weight, s.zone
          from generate_series(0, _l.days - 1) g (day) cross join stockroom.shop s
    ), counted as (
        select d.*, round(_l.orders * (sum(d.weight) over upto - d.weight) / sum(d.weight) over ())::int as first,
               round(_l.orders * sum(d.weight) over upto / sum(d.weight) over ())::int as last
          from day d window upto as (order by d.day)
    ), hour as materialized (
        select w.day, array_agg(w.bound order by w.hour) as bounds
          from (select d.day, h.hour, (sum(x.weight) over (partition by d.day order by h.hour) - x.weight)
                                      / sum(x.weight) over (partition by d.day) as bound
                  from day d
                 cross join generate_series(0, 23) h (hour)
                 cross join lateral (
                    select (array[0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 6, 5, 4, 4, 4, 5, 6, 8, 9, 8, 5, 2])[1 + extract(
                               hour from (d.starts_at + make_interval(hours => h.hour)) at time zone d.zone)::int]::float8 as weight) x
                 where d.day >= _first and d.day < _last) w
         group by w.day
    ), demand as materialized (
        select array_agg(w.id order by w.sku) as ids, array_agg(w.bound order by w.sku) as bounds
          from (select v.id, v.sku, (sum(e.value::float8) over (order by v.sku) - e.value::float8) / sum(e.value::float8) over () as bound
                  from jsonb_each_text(_l.weights) e join public.product_variants v on v.sku = e.key) w
    ), sale as materialized (
        select n.number, random() as luck,
               d.starts_at + make_interval(hours => width_bucket(random(), h.bounds) - 1, secs => floor(random() * 3600)) as paid_at
          from counted d
          join hour h on h.day = d.day
         cross join lateral generate_series(d.first + 1, d.last) n (number)
    ), line as materialized (
        select s.number, p.position, s.paid_at, m.ids[width_bucket(random(), m.bounds)] as variant_id,
               case when random() < 0.04 then 2 else 1 end as quantity
          from sale s
         cross join demand m
         cross join lateral generate_series(1, case when s.luck < 0.85 then 1 when s.luck < 0.97 then 2 else 3 end) p (position)
    )
    select l.number, l.position, l.variant_id, l.quantity, (coalesce(v.price, p.price) * 100)::bigint, l.paid_at,
           l.number % 97 = 0 and l.paid_at > _l.ends_at - interval '20 hours'
      from line l
      join public.product_variants v on v.id = l.variant_id
      join public.products p on p.id = v.product_id;
    analyze stockroom.large_lines;
$$;

-- Plan the deliveries at the beginning of the part and the work at its end, and decide which lines fit: those for which enough is
-- there, first paid, first served. The supplier lacks a few variants, more of them in the last part, so that some are low.
create function stockroom_api.plan_large_stock(_l stockroom.large_sample, _first int, _last int) returns void
    language sql set jit = off as $$
    insert into stockroom.large_steps (at, place, key, kind, person, variant_id, movement_type, reason, quantity, reference_type, reference)
    select stockroom_api.large_day(_l, _first), 0, format('sample:delivery:%s:%s', _first, w.brand), 'receive', 'Wanda Weber', w.id,
           'purchase', case _first when 0 then 'initial_purchase' else 'delivery' end, w.wanted - w.stock_quantity, 'receipt',
           format('LS-%s-%s', _first, upper(left(w.brand, 3)))
      from (select v.id, v.stock_quantity, v.reorder_point, p.brand, e.units, random() as luck,
                   v.reorder_point + ceil(e.units * 1.1 + 2.5 * sqrt(e.units))::int as wanted
              from public.product_variants v
              join public.products p on p.id = v.product_id
              join (select a.key as sku, (select coalesce(sum(x.quantity), 0) from stockroom.large_lines x) * a.value::float8
                           / sum(a.value::float8) over () as units
                      from jsonb_each_text(_l.weights) a) e on e.sku = v.sku) w
     where w.stock_quantity < w.reorder_point + w.units + 1.2 * sqrt(w.units) and w.wanted > w.stock_quantity
       and w.luck > case when _first = 0 then 0 when _last = _l.days then 0.05 else 0.01 end;
    with running as (
        select x.number, x.position, v.stock_quantity + coalesce(d.quantity, 0) as there,
               sum(x.quantity) over (partition by x.variant_id order by x.paid_at, x.number, x.position) as wanted
          from stockroom.large_lines x
          join public.product_variants v on v.id = x.variant_id
          left join stockroom.large_steps d on d.variant_id = x.variant_id
         where not x.is_unread
    )
    update stockroom.large_lines l set fits = r.wanted <= r.there
      from running r where r.number = l.number and r.position = l.position;
    insert into stockroom.large_steps (at, place, key, kind, person, variant_id, movement_type, reason, quantity, note)
    select stockroom_api.large_day(_l, _last) - interval '90 seconds', 2, format('sample:shelf:%s:%s', _first, v.sku), w.kind,
           'Wanda Weber', v.id, w.movement_type, w.reason, w.quantity, w.note
      from public.product_variants v
      left join stockroom.large_steps d on d.variant_id = v.id
      left join (select x.variant_id, sum(x.quantity) as sold from stockroom.large_lines x where x.fits group by 1) s on s.variant_id = v.id
      join (values (0, 'set_level', 'count', 'cycle_count', 0, null), (1, 'set_level', 'count', 'cycle_count', 0, null),
                   (2, 'adjust', 'adjustment', 'damaged', -1, null), (3, 'adjust', 'adjustment', 'found', 1, 'Behind the returns shelf'))
           w (n, kind, movement_type, reason, quantity, note)
        on w.n = abs(hashtext(v.sku || _first)) % 120
     where v.stock_quantity + coalesce(d.quantity, 0) - coalesce(s.sold, 0) >= 1;
$$;

-- Record the planned orders with their lines. A line that does not fit was settled by a person since, or waits if it is recent.
create function stockroom_api.record_large_orders(_l stockroom.large_sample) returns void
    language sql set jit = off as $$
    with planned as materialized (
        select x.number, min(x.paid_at) as paid_at, bool_or(x.is_unread) as is_unread, sum(x.quantity * x.price) as goods,
               (array['Alex', 'Bente', 'Chris', 'Dana', 'Elif', 'Finn', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Kim', 'Lena', 'Milo', 'Nora',
                      'Oskar', 'Paula', 'Quinn', 'Rosa', 'Sami', 'Tilda'])[1 + x.number * 7 % 20] as given,
               (array['Adler', 'Berg', 'Castro', 'Demir', 'Ernst', 'Fischer', 'Garcia', 'Haas', 'Ivanov', 'Jansen', 'Klein', 'Lang', 'Maier',
                      'Novak', 'Olsen', 'Peters', 'Roth', 'Sommer', 'Thiel', 'Vogt'])[1 + x.number * 13 % 19] as family
          from stockroom.large_lines x group by x.number
    ), recorded as (
        insert into stockroom.orders (payment_id, number, charge_id, email, name, amount, currency, paid_at, livemode, policy, cart_state,
               cart_source, cart_raw, difference, extras, imported_at)
        select format('pi_3S%sB%s', lpad(to_hex(p.number), 8, '0'), substr(md5('pi' || p.number), 1, 13)), 'SO-' || 10000 + p.number,
               format('ch_3S%sB%s', lpad(to_hex(p.number), 8, '0'), substr(md5('ch' || p.number), 1, 13)),
               lower(format('%s.%s%s@example.com', p.given, p.family, p.number::bigint * 7919 % greatest(_l.orders / 2, 1))),
               p.given || ' ' || p.family, p.goods + h.shipping, lower(s.currency), p.paid_at, false, 'normal',
               case when p.is_unread then 'unreadable' else 'read' end,
               case when not p.is_unread then 'the payment''s metadata' end, case when p.is_unread then '[{"sku": "J4CP-3' end,
               case when not p.is_unread then 0 end, case when not p.is_unread then h.shipping end, p.paid_at + interval '2 seconds'
          from planned p
         cross join stockroom.shop s
         cross join lateral (select case when p.goods < 10000 then 495 else 0 end as shipping) h
         order by p.number
        returning id, number
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
    )
    update stockroom.large_lines x set line_id = l.id
      from line l join recorded o on o.id = l.order_id
     where o.number = 'SO-' || 10000 + x.number and l.position = x.position;
    insert into stockroom.large_steps (at, place, key, kind, person, variant_id, movement_type, reason, quantity, reference_type,
           reference, line_id)
    select x.paid_at, 1, 'stripe:' || o.payment_id, 'order', 'Stripe', case when x.fits then x.variant_id end, 'sale', 'stock_decrease',
           -x.quantity, 'order', o.number, x.line_id
      from stockroom.large_lines x
      join stockroom.order_lines l on l.id = x.line_id
      join stockroom.orders o on o.id = l.order_id;
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

-- Open the cases of recent orders, and note those that people have closed since.
create function stockroom_api.note_large_cases() returns void
    language sql set jit = off as $$
    select stockroom_api.review_orders(array(
        select distinct l.order_id from stockroom.large_lines x join stockroom.order_lines l on l.id = x.line_id
         where l.state = 'failed' order by 1), 'Stockroom');
    select stockroom_api.open_alerts(array(
        select row ('unreadable_cart', 'warning', 'cart:' || o.payment_id,
                    format('Order %s: its cart is cut off', stockroom_api.order_name(o)),
                    jsonb_build_object('raw', o.cart_raw, 'cart_state', o.cart_state), o.id, null, null, null, 0, o.amount, o.currency)
                    ::stockroom_api.new_alert
          from stockroom.orders o
         where o.number in (select 'SO-' || 10000 + x.number from stockroom.large_lines x where x.is_unread)));
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
    stockroom_api.begin_large(int, int, timestamptz, jsonb), stockroom_api.fill_large()
    to stockroom_app;
