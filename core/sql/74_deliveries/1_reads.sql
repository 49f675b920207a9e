-- Reads of deliveries: the list, the lines with what was scanned and received of each, the steps, and what Stock expects.

-- A delivery with its sums. `short` and `over` count lines, and only in an announced delivery. `unknown` counts the lines that need a
-- person: no variant has the code, or a value could not be read.
create view stockroom_api.goods_deliveries as
select d.id as delivery_id, d.reference, d.supplier, d.expected_on, d.is_announced, d.state, d.revision, d.created_by, d.created_at,
       d.closed_by, d.closed_at, l.lines, l.expected, l.scanned, l.received, l.unknown,
       case when d.is_announced then l.short else 0 end as short, case when d.is_announced then l.over else 0 end as over,
       d.state in ('expected', 'in_progress')
           and d.expected_on < (select stockroom_api.day_at(now(), s.zone) from stockroom.shop s) as is_overdue
  from stockroom.goods_deliveries d
 cross join lateral (
       select count(*) as lines, coalesce(sum(x.expected), 0) as expected, coalesce(sum(x.scanned), 0) as scanned,
              coalesce(sum(x.received), 0) as received, count(*) filter (where x.variant_id is null or x.problem is not null) as unknown,
              count(*) filter (where x.received + x.scanned < x.expected) as short,
              count(*) filter (where x.received + x.scanned > x.expected and x.variant_id is not null) as over
         from stockroom.goods_lines x where x.delivery_id = d.id) l;

-- The text that the lines of a delivery were read from.
create view stockroom_api.goods_originals as
select d.id as delivery_id, d.original from stockroom.goods_deliveries d where d.original is not null;

-- The lines of deliveries, each with its variant if one has the code.
create view stockroom_api.goods_lines as
select l.id as line_id, l.delivery_id, l.code, l.variant_id, v.sku, p.name as product, v.size, v.color, l.expected, l.scanned, l.received,
       l.unit_cost, l.original, l.problem
  from stockroom.goods_lines l
  left join public.product_variants v on v.id = l.variant_id
  left join public.products p on p.id = v.product_id;

-- What was done with deliveries.
create view stockroom_api.goods_steps as
select s.id as step_id, s.delivery_id, s.operation_id, s.step, s.revision, s.code, s.units, s.detail, s.done_by, s.done_at
  from stockroom.goods_steps s;

-- The movements of deliveries, with their undo. The movements of one operation are one receipt.
create view stockroom_api.goods_movements as
select m.id as movement_id, l.delivery_id, d.reference, m.operation_id, m.quantity, m.performed_by, m.created_at as posted_at,
       exists (select from public.stock_movements u where u.reverses_id = m.id) as is_undone
  from stockroom.goods_movements x
  join stockroom.goods_lines l on l.id = x.line_id
  join stockroom.goods_deliveries d on d.id = l.delivery_id
  join public.stock_movements m on m.id = x.movement_id;

-- What open announced deliveries still bring of each variant, and when the next of them is due.
create view stockroom_api.expected_stock as
select l.variant_id, sum(l.expected - l.received) as units, min(d.expected_on) as next_on, count(*) as deliveries,
       (array_agg(d.id order by d.expected_on, d.id))[1] as delivery_id
  from stockroom.goods_lines l
  join stockroom.goods_deliveries d on d.id = l.delivery_id
 where d.state in ('expected', 'in_progress') and d.is_announced and l.variant_id is not null and l.expected > l.received
 group by l.variant_id;

grant select on
    stockroom_api.goods_deliveries, stockroom_api.goods_originals, stockroom_api.goods_lines, stockroom_api.goods_steps,
    stockroom_api.goods_movements, stockroom_api.expected_stock
    to stockroom_app;
