-- Sessions as pages read them: progress, results, and how accurate past sessions were.

-- The sessions with their progress. A session whose movements were all undone one by one is undone too.
create view stockroom_api.count_sessions as
select c.id as count_id, c.name, c.scope, c.scope_value, c.is_blind,
       case when c.state = 'applied' and u.is_undone then 'undone' else c.state end as state, c.started_by, c.started_at, c.finished_at,
       c.ended_by, c.ended_at, c.operation_id, c.undone_by, c.undone_at, l.lines, l.counted, l.extra
  from stockroom.counts c
 cross join lateral (
    select count(*) as lines, count(*) filter (where x.is_extra) as extra,
           count(*) filter (where exists (select from stockroom.count_entries e
                                           where e.count_id = x.count_id and e.variant_id = x.variant_id and e.round = x.round)) as counted
      from stockroom.count_lines x where x.count_id = c.id) l
 cross join lateral (
    select coalesce(bool_and(exists (select from public.stock_movements r where r.reverses_id = m.id)), false) as is_undone
      from public.stock_movements m where m.operation_id = c.operation_id and m.quantity <> 0) u;

-- The sessions that take entries now.
create view stockroom_api.open_counts as
select id as count_id, name, is_blind from stockroom.counts where state = 'counting';

-- The entries of sessions.
create view stockroom_api.count_entries as
select e.id as entry_id, e.count_id, e.variant_id, v.sku, p.name as product, v.size, v.color, e.kind, e.units, e.user_id, e.performed_by, e.counted_at,
       e.round = l.round as is_current
  from stockroom.count_entries e
  join stockroom.count_lines l on l.count_id = e.count_id and l.variant_id = e.variant_id
  join public.product_variants v on v.id = e.variant_id
  join public.products p on p.id = v.product_id;

-- The lines of applied sessions as they were posted. `recorded_later`: units of movements that were written after the session was
-- applied but happened before the counted second, so that the variance would be another one today.
create view stockroom_api.count_results as
select l.count_id, l.variant_id, v.sku, p.name as product, v.size, v.color, l.place, l.is_extra, l.expected, l.counted,
       l.counted - l.expected as variance, l.posted, l.missing, l.unit_value, l.valued_by, l.counted_at, l.counted_by, l.decided_by, l.approved_by,
       (select coalesce(sum(m.quantity), 0) from public.stock_movements m
         where m.variant_id = l.variant_id and m.occurred_at <= l.counted_at and m.id > o.last_id and m.operation_id <> c.operation_id)::int
           as recorded_later
  from stockroom.count_lines l
  join stockroom.counts c on c.id = l.count_id
  join public.product_variants v on v.id = l.variant_id
  join public.products p on p.id = v.product_id
 cross join lateral (select max(m.id) as last_id from public.stock_movements m where m.operation_id = c.operation_id) o
 where l.expected is not null;

-- How accurate each applied session was. Of units and money: what was expected, and the sum of all variances without their signs.
create view stockroom_api.count_accuracy as
select c.id as count_id, c.name, c.ended_at, c.undone_at is not null as is_undone, count(*) as lines,
       count(*) filter (where l.counted = l.expected) as right_lines, sum(l.expected) as expected, sum(abs(l.counted - l.expected)) as off,
       sum(l.counted - l.expected) as net, coalesce(sum(l.expected * l.unit_value), 0) as expected_money,
       coalesce(sum(abs(l.counted - l.expected) * l.unit_value), 0) as off_money, coalesce(sum((l.counted - l.expected) * l.unit_value), 0) as net_money
  from stockroom.counts c
  join stockroom.count_lines l on l.count_id = c.id and l.expected is not null
 group by c.id;

-- The lines of a sheet in walking order. The level is left out of a blind sheet.
create view stockroom_api.count_sheet as
select l.count_id, l.place, nullif(btrim(v.shelf_place), '') as shelf_place, v.sku, v.barcode, p.name as product, v.color, v.size,
       case when not c.is_blind then v.stock_quantity end as expected, (select sum(t.units) from stockroom_api.count_tallies t
         where t.count_id = l.count_id and t.variant_id = l.variant_id)::int as counted
  from stockroom.count_lines l
  join stockroom.counts c on c.id = l.count_id
  join public.product_variants v on v.id = l.variant_id
  join public.products p on p.id = v.product_id;

grant select on stockroom_api.open_counts, stockroom_api.count_sessions, stockroom_api.count_entries, stockroom_api.count_results, stockroom_api.count_accuracy,
    stockroom_api.count_sheet to stockroom_app;
