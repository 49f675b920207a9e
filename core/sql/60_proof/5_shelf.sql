-- The payment-to-shelf proof: every unit paid for left the shelf or has a named reason. For each line, with terms from different
-- sources: paid = sold - put back + put back after a refund + waiting + oversold + recorded only. The rest is unexplained.

-- Each order line in units: paid from the cart, sold and put back from the ledger (without undone movements), put back after a
-- refund or without one from people's decisions (unless taken back), and the rest from the order. Units count as waiting only with
-- an open case. A replaced line was not paid for.
create view stockroom_api.shelf_lines as
select l.id as line_id, o.id as order_id, o.payment_id, o.number, o.paid_at, l.position, l.code, v.sku, w.alert_id,
       w.paid, m.sold, m.put_back, m.sold - m.put_back as net, d.after_refund, w.waiting, l.oversold::bigint,
       w.recorded_only, w.paid - m.sold + m.put_back - d.after_refund - w.waiting - l.oversold - w.recorded_only as unexplained
  from stockroom.orders o
  join stockroom.order_lines l on l.order_id = o.id
  left join public.product_variants v on v.id = l.variant_id
 cross join lateral (
    select coalesce(-sum(s.quantity) filter (where s.movement_type = 'sale'), 0) as sold,
           coalesce(sum(s.quantity) filter (where s.movement_type = 'restoration'), 0) as put_back
      from stockroom_api.line_movements x
      join public.stock_movements s on s.id = x.movement_id
     where x.line_id = l.id) m
 cross join lateral (
    select coalesce(sum(r.quantity), 0) as after_refund
      from stockroom_api.order_decisions r
     where r.line_id = l.id and r.disposition = 'restock' and r.stands) d
 cross join lateral (
    select max(a.id) as alert_id, case when max(a.id) is null then 0 else l.quantity - l.taken - l.oversold end::bigint as waiting,
           case l.state when 'skipped' then l.quantity else 0 end::bigint as recorded_only,
           case when l.state not in ('bundle', 'no_goods', 'replaced') then l.quantity else 0 end::bigint as paid
      from stockroom.alerts a
     where l.state = 'failed' and a.cause = 'order:' || o.payment_id and a.state <> 'resolved') w;

-- Payments that are not orders yet: their message waits to be applied, or for a person.
create view stockroom_api.shelf_payments as
select m.payment_id, e.created_at as paid_at, m.state,
       (select a.id from stockroom.alerts a where a.cause = 'event:' || e.event_id and a.state <> 'resolved') as alert_id
  from stockroom_api.paid_messages m
  join stockroom.stripe_events e on e.id = m.id
 where m.state in ('new', 'parked')
   and not exists (select from stockroom.orders o where o.payment_id = m.payment_id)
   and not exists (select from stockroom_api.paid_messages f
                    where f.payment_id = m.payment_id and f.state in ('new', 'parked') and f.id < m.id);

-- The list behind each number of the proof, by its name: orders, payments, lines or movements, with the units each counts for.
create view stockroom_api.shelf_items as
select n.what, o.paid_at, o.id as order_id, o.payment_id, o.number, null::int as position, null::text as code, null::text as sku,
       null::bigint as movement_id,
       (select a.id from stockroom.alerts a where a.cause = 'cart:' || o.payment_id and a.state <> 'resolved') as alert_id, 1::bigint as units
  from stockroom.orders o
  join (values ('orders'), ('unread')) n (what) on n.what = 'orders' or o.cart_state <> 'read'
union all
select 'inbox', p.paid_at, null, p.payment_id, null, null, null, null, null, p.alert_id, 1
  from stockroom_api.shelf_payments p
union all
select n.what, l.paid_at, l.order_id, l.payment_id, l.number, l.position, l.code, l.sku, null, l.alert_id, n.units
  from stockroom_api.shelf_lines l
 cross join lateral (values ('paid', l.paid), ('after_refund', l.after_refund), ('waiting', l.waiting), ('oversold', l.oversold),
                            ('recorded_only', l.recorded_only), ('unexplained', l.unexplained)) n (what, units)
 where n.units <> 0
union all
select n.what, o.paid_at, o.id, o.payment_id, o.number, l.position, l.code, m.sku, m.id, null, n.units
  from stockroom.orders o
  join stockroom.order_lines l on l.order_id = o.id
 cross join lateral (  -- as in line_movements, but the line is read already
    select l.movement_id union all select y.movement_id from stockroom.order_line_movements y where y.line_id = l.id) x
  join public.stock_movements m on m.id = x.movement_id and m.movement_type in ('sale', 'restoration')
 cross join lateral (values (case m.movement_type when 'sale' then 'sold' else 'put_back' end,
                             case m.movement_type when 'sale' then -m.quantity else m.quantity end::bigint),
                            ('net', -m.quantity::bigint)) n (what, units);

-- The proof by day of payment, in the shop's zone, for `_since` <= paid at < `_until`. `open_lines` counts lines that do not add
-- up, so that two opposite faults cannot hide each other. Days without a payment are left out. Only the orders of these days are
-- read.
create function stockroom_api.shelf_days(_since timestamptz, _until timestamptz)
    returns table (day date, orders bigint, unread bigint, inbox bigint, paid bigint, sold bigint, put_back bigint, net bigint,
                   after_refund bigint, waiting bigint, oversold bigint, recorded_only bigint, unexplained bigint, open_lines bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    with part as (
        select o.paid_at, 1 as orders, (o.cart_state <> 'read')::int as unread, 0 as inbox, u.*
          from stockroom.orders o
         cross join lateral (
            select coalesce(sum(l.paid), 0) as paid, coalesce(sum(l.sold), 0) as sold, coalesce(sum(l.put_back), 0) as put_back,
                   coalesce(sum(l.after_refund), 0) as after_refund, coalesce(sum(l.waiting), 0) as waiting,
                   coalesce(sum(l.oversold), 0) as oversold, coalesce(sum(l.recorded_only), 0) as recorded_only,
                   coalesce(sum(l.unexplained), 0) as unexplained, count(*) filter (where l.unexplained <> 0) as open_lines
              from stockroom_api.shelf_lines l where l.order_id = o.id) u
         where o.paid_at >= _since and o.paid_at < _until
        union all
        select p.paid_at, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0
          from stockroom_api.shelf_payments p where p.paid_at >= _since and p.paid_at < _until
    )
    select stockroom_api.day_at(p.paid_at, s.zone), sum(p.orders)::bigint, sum(p.unread)::bigint, sum(p.inbox)::bigint,
           sum(p.paid)::bigint, sum(p.sold)::bigint, sum(p.put_back)::bigint, sum(p.sold - p.put_back)::bigint,
           sum(p.after_refund)::bigint, sum(p.waiting)::bigint, sum(p.oversold)::bigint, sum(p.recorded_only)::bigint,
           sum(p.unexplained)::bigint, sum(p.open_lines)::bigint
      from part p cross join stockroom.shop s
     group by 1
     order by 1 desc;
$$;

grant select on stockroom_api.shelf_items to stockroom_app;
grant execute on function stockroom_api.shelf_days(timestamptz, timestamptz) to stockroom_app;
