-- Two of nine payments of the filled ledger as orders: their lines, buyers, messages, refunds and cases; see orders.py.
create unlogged table bought as
select k.k, row_number() over (order by k.k) as n, min(m.occurred_at) as paid_at, array_agg(m.id order by m.id) as movements,
       md5('buyer ' || k.k % 400000) as buyer
  from public.stock_movements m
 cross join lateral (select substr(m.reference_id, 4)::bigint as k) k
 where m.movement_type = 'sale' and m.reference_id like 'PI-%' and k.k % 9 < 2
 group by k.k;

create unlogged table lines as
select b.n as order_id, l.position, v.sku, v.id as variant_id, p.name, (v.price * 100)::bigint as unit_price, -m.quantity as quantity,
       m.id as movement_id
  from bought b
 cross join lateral unnest(b.movements) with ordinality l (movement_id, position)
  join public.stock_movements m on m.id = l.movement_id
  join public.product_variants v on v.id = m.variant_id
  join public.products p on p.id = v.product_id;

insert into stockroom.orders (id, payment_id, number, charge_id, email, name, amount, currency, paid_at, livemode, policy, cart_state,
       cart_source, difference, extras, tolerated, imported_at)
overriding system value
select b.n, 'pi_' || substr(md5('payment ' || b.k), 1, 24), 'WEB-' || lpad(b.n::text, 7, '0'), 'ch_' || substr(md5('charge ' || b.k), 1, 24),
       lower(w.first || '.' || w.last) || ('x' || substr(b.buyer, 1, 4))::bit(16)::int % 1000 || '@' || w.domain, w.first || ' ' || w.last,
       l.amount, lower(s.currency), b.paid_at, false, 'normal', 'read', 'metadata', 0, 0, 0, b.paid_at + interval '2 seconds'
  from bought b
 cross join stockroom.shop s
  join (select order_id, sum(quantity * unit_price) as amount from lines group by order_id) l on l.order_id = b.n
 cross join lateral (
    select ('x' || substr(b.buyer, 5, 4))::bit(16)::int as a, ('x' || substr(b.buyer, 9, 4))::bit(16)::int as z,
           ('x' || substr(b.buyer, 13, 4))::bit(16)::int as d) r
 cross join lateral (
    select case when r.a % 10 < 3 then 'Anna' else (array['Bert', 'Clara', 'Dieter', 'Eva', 'Fatima', 'Goran', 'Hannah', 'Igor', 'Julia',
                'Kemal', 'Lena', 'Marie', 'Noah', 'Olga', 'Pedro', 'Quentin', 'Rosa', 'Samir', 'Tanja', 'Ulf', 'Vera', 'Wiktor'])[1 + r.a % 22]
           end as first,
           case when r.z % 10 < 2 then 'Miller' else (array['Abel', 'Brandt', 'Costa', 'Dogan', 'Egger', 'Fischer', 'Garcia', 'Huber', 'Ivanov',
                'Jansen', 'Kowalski', 'Lang', 'Moser', 'Novak', 'Ortiz', 'Pohl', 'Rossi', 'Schmidt', 'Tanaka', 'Urban', 'Vogel', 'Weber',
                'Yilmaz', 'Zimmer'])[1 + r.z % 24] || case when r.z % 3 = 0 then 'ova' else '' end end as last,
           case when r.d % 10 < 7 then 'gmail.com' else (array['icloud.com', 'web.example', 'mail.example', 'outlook.com'])[1 + r.d % 4]
           end as domain) w
 order by b.n;

insert into stockroom.order_lines (order_id, position, code, name, unit_price, quantity, variant_id, state, taken, movement_id)
select order_id, position, sku, name, unit_price, quantity, variant_id, 'taken', quantity, movement_id from lines order by order_id, position;

drop table lines;

insert into stockroom.stripe_events (event_id, kind, object_id, payment_id, created_at, received_at, source, livemode, body, state,
       attempts, due_at, finished_at)
select 'evt_' || substr(md5('event ' || o.id), 1, 24), 'payment_intent.succeeded', o.payment_id, o.payment_id, o.paid_at, o.paid_at, 'webhook',
       false, format('{"id": "%s", "amount": %s, "currency": "%s", "latest_charge": "%s", "metadata": {"order_number": "%s"}}',
                     o.payment_id, o.amount, o.currency, o.charge_id, o.number), 'done', 1, o.paid_at, o.imported_at
  from stockroom.orders o order by o.id;

-- Three of a hundred orders were refunded in full, and one in part.
insert into stockroom.refunds (refund_id, order_id, payment_id, charge_id, amount, currency, status, refunded_at, received_at, told_at,
       state, decided_at, decided_by)
select 're_' || substr(md5('refund ' || o.id), 1, 24), o.id, o.payment_id, o.charge_id, case o.id % 100 when 0 then o.amount / 2 else o.amount end,
       o.currency, 'succeeded', r.at, r.at, r.at, 'decided', r.at, 'Person 3'
  from stockroom.orders o
 cross join lateral (select least(o.paid_at + interval '6 days', now()) as at) r
 where o.id % 100 < 4 order by o.id;

-- Two of a thousand orders had a case.
insert into stockroom.alerts (kind, severity, state, cause, sentence, order_id, units, currency, first_at, last_at, resolved_at, resolved_by,
       resolution)
select 'insufficient_stock', 'urgent', 'resolved', 'order:' || o.payment_id, 'Paid, but not on the shelf', o.id, 1, o.currency,
       o.imported_at, o.imported_at, o.imported_at + interval '3 hours', 'Person 3', 'Taken from the next delivery'
  from stockroom.orders o where o.id % 500 = 7 order by o.id;

drop table bought;

update stockroom.stripe_link set live_since = now() - interval '1200 days';

select setval(pg_get_serial_sequence('stockroom.orders', 'id'), (select max(id) from stockroom.orders));
