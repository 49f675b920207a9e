-- The lists of cases: what they are found, grouped and sorted by, each case as it is now, and how much waits.

-- The columns by which cases are found and sorted. `subject`: an order's cases are one row of a list, and so are the levels of a
-- product. `rank`: failed stock updates first, then by severity. The sentence is the stored one, as the history has it.
create view stockroom_api.alert_keys as
select a.id as alert_id, a.kind, a.list, a.state, a.cause, a.sentence, a.order_id,
       coalesce(a.currency, o.currency) as currency, a.first_at,
       coalesce(a.state <> 'resolved' and a.snoozed_until > now(), false) as is_snoozed, a.assigned_to, u.name as assigned_name,
       o.number as order_number, o.name as buyer, o.email, o.payment_id, r.refund_id as stripe_refund_id, v.sku, p.name as product,
       case when a.order_id is not null then 'order ' || a.order_id
            when a.list = 'levels' then 'product ' || v.product_id
            else 'case ' || a.id end as subject,
       case when a.list = 'failed' and a.severity <> 'note' then 0
            when a.severity = 'urgent' then 1 when a.severity = 'warning' then 2 else 3 end as rank
  from stockroom.alerts a
  left join stockroom.orders o on o.id = a.order_id
  left join stockroom.refunds r on r.id = a.refund_id
  left join public.product_variants v on v.id = a.variant_id
  left join public.products p on p.id = v.product_id
  left join stockroom.users u on u.id = a.assigned_to;

-- Each case as it is now: its sentence is built from the present stock, units and money are what is open. Where no variant has the
-- codes, no number of stock is in the sentence, and the stored one is right. `lacks` decides the next step. Of open lines: 'code',
-- 'stock' (none is there), 'part' (some is there), 'nothing'. Of a cart: 'choice' (it has several readings), 'lines' (none),
-- 'amount'. `offset 0` makes the planner look up each case by its id.
create view stockroom_api.alert_rows as
select a.id as alert_id, a.kind, k.list, a.severity, a.state, a.cause,
       case when k.list = 'levels' and a.state <> 'resolved' then
                stockroom_api.level_text(v.sku, k.product, v.size, v.stock_quantity, v.reorder_point)
            else coalesce(n.said, replace(a.sentence, o.payment_id, stockroom_api.order_name(o)), a.sentence) end as sentence,
       a.facts, a.order_id, k.order_number, stockroom_api.order_name(o) as order_name, k.payment_id, k.buyer, k.email, a.refund_id,
       k.stripe_refund_id, a.variant_id, k.sku, k.product, v.size, v.stock_quantity as on_hand, a.event_id, s.units, s.money,
       k.currency, a.seen, a.attempts, a.first_at, a.last_at, a.resolved_at, a.resolved_by, a.resolution, a.assigned_to,
       k.assigned_name, a.snoozed_until, k.is_snoozed, k.rank,
       case when a.state = 'resolved' then null
            when a.cause like 'cart:%' then case when o.cart_state = 'read' then 'amount'
                when jsonb_typeof(o.readings) = 'array' and o.readings <> '[]' then 'choice' else 'lines' end
            when a.kind in ('insufficient_stock', 'unknown_variant') then coalesce(n.lacks, 'code') end as lacks
  from stockroom.alerts a
 cross join lateral (select x.* from stockroom_api.alert_keys x where x.alert_id = a.id offset 0) k
 cross join lateral (select x.* from stockroom_api.alert_stakes x where x.alert_id = a.id offset 0) s
  left join stockroom.orders o on o.id = a.order_id
  left join public.product_variants v on v.id = a.variant_id
  left join lateral (
    select format('Order %s: %s of %s lines not taken off the shelf: %s', min(f.order_name), count(*), min(f.all_lines),
                  string_agg(f.said, '; ' order by f.position)) || stockroom_api.refund_question(min(f.order_id)) as said,
           case when bool_or(f.cause = 'unknown_variant') then 'code'
                when bool_and(f.available >= f.missing) then 'nothing'
                when bool_or(f.available > 0) then 'part' else 'stock' end as lacks
      from stockroom_api.open_lines f
     where f.order_id = case when a.state <> 'resolved' and a.kind in ('insufficient_stock', 'unknown_variant') and exists (
               select from stockroom.order_lines x
                where x.order_id = a.order_id and x.state = 'failed' and x.cause <> 'unknown_variant') then a.order_id end
    having count(*) > 0) n on true;

-- How much waits for a person: cases that are not snoozed, those of each list by subject (orders, products, or cases without
-- either), and refunds to decide. One row.
create view stockroom_api.waiting as
select c.cases, c.failed_updates, c.decisions, c.levels, c.machinery,
       (select count(*) from stockroom.refunds r where r.state in ('waiting', 'inspecting')) as refunds
  from (select count(*) as cases,
               count(distinct k.subject) filter (where k.list = 'failed') as failed_updates,
               count(distinct k.subject) filter (where k.list = 'decisions') as decisions,
               count(distinct k.subject) filter (where k.list = 'levels') as levels,
               count(distinct k.subject) filter (where k.list = 'machinery') as machinery
          from stockroom_api.alert_keys k
         where k.state in ('open', 'acknowledged') and not k.is_snoozed) c;

grant select on stockroom_api.alert_keys, stockroom_api.alert_stakes, stockroom_api.alert_rows, stockroom_api.waiting to stockroom_app;
