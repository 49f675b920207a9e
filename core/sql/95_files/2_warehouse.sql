-- The lists of counting, of goods that arrive, and of variants as files, one view a list, as in 1_lists.sql.

-- Sessions of counting with their progress and, if they were applied, how accurate they were.
create view stockroom_api.file_counts as
select c.count_id, c.name, c.scope, c.scope_value, c.is_blind, c.state, c.started_by, c.started_at, c.finished_at, c.ended_by,
       c.ended_at, c.undone_by, c.undone_at, c.lines, c.counted as counted_lines, c.extra as extra_lines, a.right_lines, a.expected,
       a.off, a.net, round(a.expected_money, 4) as expected_money, round(a.off_money, 4) as off_money,
       round(a.net_money, 4) as net_money
  from stockroom_api.count_sessions c
  left join stockroom_api.count_accuracy a on a.count_id = c.count_id;

-- The counted lines of sessions that were not applied. A cancelled session expects nothing, and what a blind one expects is
-- empty until counting is finished.
create function stockroom_api.unapplied_lines()
    returns table (count_id bigint, variant_id uuid, counted int, counted_at timestamptz, counted_by text, expected int,
                   unit_value numeric, valued_by text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.id, d.variant_id, d.counted, d.counted_at, d.who, d.expected, d.unit_value, d.valued_by
      from stockroom.counts c
     cross join lateral stockroom_api.count_variances(c.id) d
     where c.state = 'review' or c.state in ('counting', 'paused') and not c.is_blind
    union all
    select c.id, l.variant_id, l.counted, l.last_at, l.who, null, null, null
      from stockroom.counts c
      join stockroom_api.counted_lines l on l.count_id = c.id
     where c.state = 'cancelled' or c.state in ('counting', 'paused') and c.is_blind;
$$;

-- The lines of sessions. The variance is what was counted less the level at the counted second.
create view stockroom_api.file_count_lines as
select l.count_id, c.name as count, v.sku, p.name as product, v.size, v.color, l.is_extra, coalesce(l.expected, u.expected) as expected,
       coalesce(l.counted, u.counted) as counted,
       coalesce(l.counted, u.counted) - coalesce(l.expected, u.expected) as variance, l.posted, l.missing,
       round(coalesce(l.unit_value, u.unit_value), 4) as unit_value, coalesce(l.valued_by, u.valued_by) as valued_by,
       coalesce(l.counted_at, u.counted_at) as counted_at, coalesce(l.counted_by, u.counted_by) as counted_by, l.decided_by,
       l.approved_by
  from stockroom.count_lines l
  join stockroom.counts c on c.id = l.count_id
  join public.product_variants v on v.id = l.variant_id
  join public.products p on p.id = v.product_id
  left join stockroom_api.unapplied_lines() u on u.count_id = l.count_id and u.variant_id = l.variant_id;

-- Deliveries of goods with the sums of their lines.
create view stockroom_api.file_goods_deliveries as
select d.delivery_id, d.reference, d.supplier, d.expected_on, d.is_announced, d.state, d.is_overdue, d.created_by, d.created_at,
       d.closed_by, d.closed_at, d.lines, d.expected, d.scanned, d.received, d.short as short_lines, d.over as over_lines,
       d.unknown as unknown_lines
  from stockroom_api.goods_deliveries d;

-- The lines of deliveries of goods.
create view stockroom_api.file_goods_lines as
select l.line_id, l.delivery_id, d.reference, l.code, l.sku, l.product, l.size, l.color, l.expected, l.scanned, l.received, l.unit_cost,
       l.problem, l.original
  from stockroom_api.goods_lines l
  join stockroom.goods_deliveries d on d.id = l.delivery_id;

-- The codes that people gave to variants, and former SKUs.
create view stockroom_api.file_variant_codes as
select c.code_id, v.sku, p.name as product, v.size, v.color, c.kind, c.code, c.units, c.added_by, c.added_at
  from stockroom_api.codes c
  join public.product_variants v on v.id = c.variant_id
  join public.products p on p.id = v.product_id;

-- What was changed of variants and of their products, and by whom.
create view stockroom_api.file_variant_changes as
select c.change_id, c.at, c.performed_by, c.source, c.variant_id, c.sku, c.product_id, p.name as product, c.field, c.before, c.after
  from stockroom_api.variant_changes c
  left join public.products p on p.id = c.product_id;

grant execute on function stockroom_api.unapplied_lines() to stockroom_app;
grant select on stockroom_api.file_counts, stockroom_api.file_count_lines, stockroom_api.file_goods_deliveries,
    stockroom_api.file_goods_lines, stockroom_api.file_variant_codes, stockroom_api.file_variant_changes to stockroom_app;
