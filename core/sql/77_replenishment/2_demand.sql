-- How many units of each variant are asked for a day, and what to order.

-- The days with sales of variants, from `_since` to before `_until`: the units sold, the place of the day among the days in stock, how
-- many days in stock passed since the sale before, which of the variant's days with sales it is, and how many there are. It sorts
-- once: the sum of the days in stock up to a day needs the day before it, and the sales need the sums.
create function stockroom_api.sale_days(_variants uuid[], _since date, _until date)
    returns table (variant_id uuid, units int, place bigint, gap bigint, n bigint, n_all bigint)
    language plpgsql stable set plan_cache_mode = force_custom_plan set work_mem = '64MB' set jit = off as $$
begin
    return query
    with moved as (
        select r.variant_id, r.day, r.sale_out - r.sale_in as sold, x.opening > 0 as was_there, x.opening > 0 or c.came > 0 as is_there,
               lag(r.day) over by_day as before
          from stockroom.variant_days r
         cross join lateral (select r.purchase_in + r.sale_in + r.restoration_in + r.adjustment_in + r.count_in as came) c
         cross join lateral (select r.closing - c.came + r.purchase_out + r.sale_out + r.restoration_out + r.adjustment_out
                                    + r.count_out as opening) x
         where r.variant_id = any (_variants) and r.day >= _since and r.day < _until
        window by_day as (partition by r.variant_id order by r.day)
    ), placed as (
        select m.variant_id, m.day, m.sold,
               sum(case when m.was_there then m.day - coalesce(m.before + 1, _since) else 0 end + m.is_there::int) over by_day as place
          from moved m
        window by_day as (partition by m.variant_id order by m.day)
    )
    select p.variant_id, p.sold, p.place, p.place - lag(p.place, 1, 0::bigint) over by_day, row_number() over by_day,
           count(*) over (partition by p.variant_id)
      from placed p where p.sold > 0 and p.place > 0
    window by_day as (partition by p.variant_id order by p.day);
end $$;

-- Units a day that buyers ask for, of each variant, from what sold on its days in stock. `croston`: it sells on few days (an average
-- interval of 1.32 days in stock or more, on three days or more, the last one no longer ago than three smoothed intervals), so units
-- and intervals are smoothed apart, each by 0.1, with the Syntetos-Boylan correction of 0.95. `average`: units by days in stock.
create function stockroom_api.demand(_variants uuid[], _since date, _until date)
    returns table (variant_id uuid, days_in_stock int, sold int, sale_days int, interval_days numeric, method text, rate numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select i.variant_id, i.days_in_stock::int, i.sold, coalesce(s.days, 0)::int, round((i.days_in_stock / s.days), 1),
           case when i.sold = 0 or i.days_in_stock = 0 then 'none' when c.is_rare then 'croston' else 'average' end,
           case when i.sold = 0 or i.days_in_stock = 0 then 0
                when c.is_rare then round((0.95 * s.size / s.gap)::numeric, 3) else round(i.rate, 3) end
      from stockroom_api.in_stock(_variants, _since, _until) i
      left join (select d.variant_id, count(*) as days, max(d.place) as last,
                        sum(d.units * w.weight) as size, sum(d.gap * w.weight) as gap
                   from stockroom_api.sale_days(_variants, _since, _until) d
                  cross join lateral (select power(0.9::float8, d.n_all - d.n) * case when d.n = 1 then 1 else 0.1 end as weight) w
                  group by d.variant_id) s on s.variant_id = i.variant_id
     cross join lateral (select coalesce(s.days >= 3 and i.days_in_stock >= 1.32 * s.days and s.gap > 0
                                         and i.days_in_stock - s.last <= 3 * s.gap, false) as is_rare) c;
$$;

-- What to order of each active variant, with every term: demand a day over lead time and cover, less the available units and those that
-- deliveries bring until then, rounded up to packs. Overdue deliveries and those without a day count; later ones do not. A null array
-- is all variants.
create function stockroom_api.order_suggestions(_variants uuid[], _since date, _until date)
    returns table (variant_id uuid, supplier text, supplier_of text, days_in_stock int, sold int, sale_days int, interval_days numeric,
        method text, rate numeric, lead_days int, lead_of text, cover_days int, cover_of text, needed numeric, available int, expected int,
        expected_later int, pack_size int, pack_of text, suggested int)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_custom_plan as $$
declare
    _ids uuid[] := array(select v.id from public.product_variants v where v.is_active and (_variants is null or v.id = any (_variants)));
    _today date := stockroom_api.shop_day(now());
begin
    return query
    select v.id, t.supplier, t.supplier_of, d.days_in_stock, d.sold, d.sale_days, d.interval_days, d.method, d.rate, t.lead_days, t.lead_of,
           t.cover_days, t.cover_of, n.needed, v.computed_available_stock, coalesce(e.units, 0)::int, coalesce(e.later, 0)::int, t.pack_size,
           t.pack_of,
           least(ceil(greatest(n.needed - v.computed_available_stock - coalesce(e.units, 0), 0) / t.pack_size) * t.pack_size, 1000000)::int
      from public.product_variants v
      join stockroom_api.variant_terms t on t.variant_id = v.id
      join stockroom_api.demand(_ids, _since, _until) d on d.variant_id = v.id
     cross join lateral (select d.rate * (t.lead_days + t.cover_days) as needed) n
      left join lateral (
        select sum(l.expected - l.received) filter (where x.is_in_time) as units,
               sum(l.expected - l.received) filter (where not x.is_in_time) as later
          from stockroom.goods_lines l
          join stockroom.goods_deliveries g on g.id = l.delivery_id
         cross join lateral (select coalesce(g.expected_on <= _today + t.lead_days + t.cover_days, true) as is_in_time) x
         where l.variant_id = v.id and g.state in ('expected', 'in_progress') and g.is_announced and l.expected > l.received) e on true
     where v.id = any (_ids);
end $$;

grant execute on function
    stockroom_api.demand(uuid[], date, date), stockroom_api.order_suggestions(uuid[], date, date)
    to stockroom_app;
