-- The checks of sales. Each is a view of the rows that fail it, as in 1_checks.sql.

-- The ids of Stripe that orders have: of the payment, the charge and the session. Three scans of indexes that one join reads.
create view stockroom_api.sale_ids as
select o.id as order_id, o.payment_id as name from stockroom.orders o
union all
select o.id, o.charge_id from stockroom.orders o where o.charge_id is not null
union all
select o.id, o.session_id from stockroom.orders o where o.session_id is not null;

-- R3, without Stripe: a payment in the inbox since going live that has no order. A payment that a person has set aside with a
-- reason does not count. A new one has `inbox_hours` to be applied.
create view stockroom_api.payment_faults as
select m.payment_id, min(m.created_at) as paid_at, min(m.state) as state
  from stockroom_api.paid_messages m
 where m.created_at >= (select s.live_since from stockroom.stripe_link s)
   and not exists (select from stockroom_api.sale_ids i where i.name = m.payment_id)
   and (m.state in ('new', 'parked')
            and m.received_at < (select now() - make_interval(hours => n.inbox_hours) from stockroom.proof_limits n)
        or m.state = 'done' and m.kind = 'payment_intent.succeeded')
 group by m.payment_id;

-- Each order line with its units in the ledger: sold and put back, without undone ones.
create view stockroom_api.line_units as
select l.id as line_id, l.order_id, o.payment_id, l.position, l.code, l.state, l.quantity, l.taken, l.oversold, l.restored,
       coalesce(-sum(m.quantity) filter (where m.movement_type = 'sale'), 0) as sold,
       coalesce(sum(m.quantity) filter (where m.movement_type = 'restoration'), 0) as put_back
  from stockroom.order_lines l
  join stockroom.orders o on o.id = l.order_id
  left join stockroom_api.line_movements x on x.line_id = l.id
  left join public.stock_movements m on m.id = x.movement_id
 group by l.id, o.id;

-- R4: the units of a line that the ledger sold are those that the order has taken. Taken and oversold units make up the cart,
-- unless the line was only recorded, was replaced, is no goods or a bundle, whose parts count, or waits for a person with an open
-- case.
create view stockroom_api.unit_faults as
select u.line_id, u.order_id, u.payment_id, (select stockroom_api.order_code(o) from stockroom.orders o where o.id = u.order_id) as number,
       u.position, u.code, u.quantity, u.sold, u.taken, u.oversold,
       case when u.sold <> u.taken then 'sold' when u.state in ('failed', 'bundle') then 'silent' else 'units' end as fault
  from stockroom_api.line_units u
 where u.sold <> u.taken
    or u.state in ('taken', 'resolved') and u.taken + u.oversold <> u.quantity
    or u.state in ('skipped', 'bundle', 'no_goods', 'replaced') and u.taken + u.oversold <> 0
    or u.state = 'bundle' and not exists (
           select from stockroom.order_lines p where p.part_of = u.line_id and p.state <> 'replaced')
    or u.state = 'failed' and not exists (
           select from stockroom.alerts a where a.cause = 'order:' || u.payment_id and a.state <> 'resolved');

-- R5: the lines of an order, recomputed from their prices, plus extras such as shipping add up to the amount received, within one
-- minor unit a line; and the difference is the one that was recorded at the import. A difference that a person has resolved with
-- a reason is not a fault. Without prices, only the recorded difference counts.
create view stockroom_api.amount_faults as
select r.order_id, r.payment_id, (select stockroom_api.order_code(o) from stockroom.orders o where o.id = r.order_id) as number, r.amount,
       r.currency, r.policy, r.difference, r.recomputed
  from (select o.id as order_id, o.payment_id, o.amount, o.currency, o.policy, o.difference,
               case when o.extras is null then o.difference
                    when abs(o.amount - coalesce(l.goods, 0) - o.extras) <= coalesce(l.lines, 0) then 0
                    else o.amount - coalesce(l.goods, 0) - o.extras end as recomputed
          from stockroom.orders o
         cross join lateral (
            select sum(x.quantity::bigint * coalesce(x.unit_price, 0))::bigint as goods,
                   count(*) filter (where x.part_of is null and x.exchange_of is null) as lines
              from stockroom.order_lines x where x.order_id = o.id and x.state <> 'replaced') l
         where o.cart_state = 'read') r
 where r.recomputed <> coalesce(r.difference, 0)
    or r.policy <> 'skip' and r.recomputed <> 0
       and not exists (select from stockroom.alerts a where a.cause = 'cart:' || r.payment_id and a.state = 'resolved');

-- R6: the lines of which a unit was put back that was not sold, or of which order and ledger disagree on restored units.
create view stockroom_api.restored_faults as
select u.line_id, u.order_id, u.payment_id, (select stockroom_api.order_code(o) from stockroom.orders o where o.id = u.order_id) as number,
       u.code, null::text as refund_id, u.restored, u.put_back, u.taken, null::int as days
  from stockroom_api.line_units u
 where u.restored <> u.put_back or u.restored > u.taken;

-- R6: the successful refunds that were not decided in time.
create view stockroom_api.undecided_faults as
select null::bigint as line_id, r.order_id, r.payment_id, case when o.id is not null then stockroom_api.order_code(o) end as number,
       null::text as code, r.refund_id, null::int as restored, null::bigint as put_back, null::int as taken,
       extract(day from now() - r.refunded_at)::int as days
  from stockroom.refunds r
 cross join stockroom.proof_limits n
  left join stockroom.orders o on o.id = r.order_id
 where r.status = 'succeeded' and r.state in ('waiting', 'inspecting')
   and greatest(r.refunded_at, r.received_at) < now() - make_interval(days => n.refund_days);

-- R6: no unit was put back that was not sold, order and ledger agree on restored units, and every successful refund was decided
-- in time.
create view stockroom_api.refund_faults as
select * from stockroom_api.restored_faults
union all
select * from stockroom_api.undecided_faults;

-- R7: no payment belongs to two orders, not even as the charge or session of the same sale.
create view stockroom_api.twin_faults as
select i.name, array_agg(distinct i.order_id order by i.order_id) as order_ids
  from stockroom_api.sale_ids i group by i.name having min(i.order_id) < max(i.order_id);
