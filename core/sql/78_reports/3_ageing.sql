-- How long the units on hand have been there.

-- Units of receipts, finds and counts that were undone up to `_last`, and those that an undo brought back: they did not come on that day.
create function stockroom_api.arrivals_undone(_last date)
    returns table (variant_id uuid, day date, units int)
    language sql stable as $$
    select m.variant_id, stockroom_api.shop_day(m.occurred_at), sum(m.quantity)::int
      from public.stock_movements u
     cross join lateral (values (u.id), (u.reverses_id)) w (id)
      join public.stock_movements m on m.id = w.id
     where u.reverses_id is not null and u.occurred_at < (select stockroom_api.shop_start(_last + 1))
       and m.quantity > 0 and m.movement_type in ('purchase', 'adjustment', 'count')
     group by 1, 2;
$$;

-- The units on hand at the end of the day `_last` by the day on which they came, first in, first out: what is left is what came last, by
-- receipts, finds and counts. Units put back after a refund are as old as the others; those that came back before any were sold count for
-- the variant's first day. Most units came in the last four months, so older days are read only of variants that have more.
-- `_variant_ids` null: all variants.
create function stockroom_api.stock_ages(_last date, _variant_ids uuid[])
    returns table (variant_id uuid, arrived date, units int)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off set work_mem = '32MB' as $$
    with undone as materialized (
        select * from stockroom_api.arrivals_undone(_last)
    ), held as materialized (
        select v.id, e.closing
          from public.product_variants v
         cross join lateral (select d.closing from stockroom.variant_days d
                              where d.variant_id = v.id and d.day <= _last order by d.day desc limit 1) e
         where e.closing > 0 and (_variant_ids is null or v.id = any (_variant_ids))
    ), recent as materialized (
        select d.variant_id as id, d.day, d.purchase_in + d.adjustment_in + d.count_in - coalesce(u.units, 0) as came
          from stockroom.variant_days d
          left join undone u on u.variant_id = d.variant_id and u.day = d.day
         where d.day > _last - 120 and d.day <= _last and (d.purchase_in > 0 or d.adjustment_in > 0 or d.count_in > 0)
           and (_variant_ids is null or d.variant_id = any (_variant_ids))
    ), old as materialized (
        select h.id
          from held h
          left join (select r.id, sum(r.came) as came from recent r group by r.id) r on r.id = h.id
         where coalesce(r.came, 0) < h.closing
    ), arrival as (
        select r.id, r.day, r.came from recent r
        union all
        select d.variant_id, d.day, d.purchase_in + d.adjustment_in + d.count_in - coalesce(u.units, 0)
          from old o
          join stockroom.variant_days d on d.variant_id = o.id and d.day <= _last - 120
          left join undone u on u.variant_id = d.variant_id and u.day = d.day
         where d.purchase_in > 0 or d.adjustment_in > 0 or d.count_in > 0
    ), layer as (
        select h.id, h.closing, a.day, a.came,
               coalesce(sum(a.came) over (partition by h.id order by a.day desc rows between unbounded preceding and 1 preceding), 0) as younger
          from held h
          join arrival a on a.id = h.id
         where a.came > 0
    ), known as materialized (
        select l.id, l.day, least(l.came, l.closing - l.younger)::int as units from layer l where l.younger < l.closing
    )
    select k.id, k.day, k.units from known k
    union all
    select h.id, (select min(d.day) from stockroom.variant_days d where d.variant_id = h.id), (h.closing - coalesce(k.units, 0))::int
      from held h
      left join (select x.id, sum(x.units) as units from known x group by x.id) k on k.id = h.id
     where h.closing > coalesce(k.units, 0);
$$;

-- The units on hand of each variant at the end of the day `_last` by their age in days, their average age, when the oldest and the newest
-- came, and their value at the average cost of now, null where none is known.
create function stockroom_api.stock_by_age(_last date, _variant_ids uuid[])
    returns table (variant_id uuid, units int, age numeric, oldest date, newest date, to_30 int, to_60 int, to_90 int, to_180 int,
                   to_365 int, over_365 int, value numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select a.*, round(a.units * c.average, stockroom_api.shop_digits())
      from (select x.variant_id, sum(x.units)::int as units, round(sum(x.units * x.days)::numeric / sum(x.units), 1),
                   _last - max(x.days), _last - min(x.days),
                   coalesce(sum(x.units) filter (where x.days <= 30), 0)::int,
                   coalesce(sum(x.units) filter (where x.days between 31 and 60), 0)::int,
                   coalesce(sum(x.units) filter (where x.days between 61 and 90), 0)::int,
                   coalesce(sum(x.units) filter (where x.days between 91 and 180), 0)::int,
                   coalesce(sum(x.units) filter (where x.days between 181 and 365), 0)::int,
                   coalesce(sum(x.units) filter (where x.days > 365), 0)::int
              from (select s.variant_id, s.units, _last - s.arrived as days from stockroom_api.stock_ages(_last, _variant_ids) s) x
             group by x.variant_id) a
      join stockroom_api.variant_costs c on c.variant_id = a.variant_id;
$$;

-- The last day up to `_last` on which each variant sold something.
create function stockroom_api.last_sales(_last date, _variant_ids uuid[])
    returns table (variant_id uuid, day date)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select v.id, e.day
      from public.product_variants v
     cross join lateral (select d.day from stockroom.variant_days d
                          where d.variant_id = v.id and d.day <= _last and d.sale_out > d.sale_in order by d.day desc limit 1) e
     where _variant_ids is null or v.id = any (_variant_ids);
$$;

grant execute on function
    stockroom_api.stock_by_age(date, uuid[]), stockroom_api.last_sales(date, uuid[])
    to stockroom_app;
