-- How long the units on hand have been there.

-- Units that came in on a day: receipts, units that were found and counts, without what was undone up to `_last`. Units that were put back
-- after a refund are none: they are as old as the others.
create function stockroom_api.variant_arrivals(_last date, _variant_ids uuid[])
    returns table (variant_id uuid, day date, units int)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    with undone as (
        select m.variant_id, stockroom_api.shop_day(m.occurred_at) as day, sum(m.quantity)::int as units
          from public.stock_movements u
         cross join lateral (values (u.id), (u.reverses_id)) x (id)
          join public.stock_movements m on m.id = x.id
         where u.reverses_id is not null and u.occurred_at < (select stockroom_api.shop_start(_last + 1))
           and m.quantity > 0 and m.movement_type in ('purchase', 'adjustment', 'count')
         group by 1, 2
    )
    select d.variant_id, d.day, d.purchase_in + d.adjustment_in + d.count_in - coalesce(u.units, 0)
      from stockroom.variant_days d
      left join undone u on u.variant_id = d.variant_id and u.day = d.day
     where d.day <= _last and (d.purchase_in > 0 or d.adjustment_in > 0 or d.count_in > 0)
       and (_variant_ids is null or d.variant_id = any (_variant_ids))
       and d.purchase_in + d.adjustment_in + d.count_in > coalesce(u.units, 0);
$$;

-- The units on hand at the end of the day `_last` by the day on which they came, first in, first out: what is left is what came last.
-- Units that came in no such way, as goods that came back before any were sold, count for the variant's first day.
create function stockroom_api.stock_ages(_last date, _variant_ids uuid[])
    returns table (variant_id uuid, arrived date, units int)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    with held as (
        select v.id, e.closing
          from public.product_variants v
         cross join lateral (select d.closing from stockroom.variant_days d
                              where d.variant_id = v.id and d.day <= _last order by d.day desc limit 1) e
         where e.closing > 0 and (_variant_ids is null or v.id = any (_variant_ids))
    ), layer as (
        select h.id, h.closing, a.day, a.units,
               coalesce(sum(a.units) over (partition by h.id order by a.day desc
                                           rows between unbounded preceding and 1 preceding), 0) as younger
          from held h
          join stockroom_api.variant_arrivals(_last, _variant_ids) a on a.variant_id = h.id
    ), known as materialized (
        select l.id, l.day, least(l.units, l.closing - l.younger)::int as units from layer l where l.younger < l.closing
    )
    select k.id, k.day, k.units from known k
    union all
    select h.id, (select min(d.day) from stockroom.variant_days d where d.variant_id = h.id), (h.closing - coalesce(k.units, 0))::int
      from held h
      left join (select x.id, sum(x.units) as units from known x group by x.id) k on k.id = h.id
     where h.closing > coalesce(k.units, 0);
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
    stockroom_api.variant_arrivals(date, uuid[]), stockroom_api.stock_ages(date, uuid[]), stockroom_api.last_sales(date, uuid[])
    to stockroom_app;
