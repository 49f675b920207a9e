-- What the reports read of the rollup: one row a variant for a period.

-- The moment a day of the shop begins. In a condition on many rows, put it into a subquery, which is evaluated once.
create function stockroom_api.shop_start(_day date) returns timestamptz
    language sql stable
    return (select stockroom_api.day_start(_day, s.zone) from stockroom.shop s);

-- What each variant had, received, sold and got back on the days from `_first` to `_last`, both included. Undone movements are
-- taken off. `_variant_ids` null: all variants.
create function stockroom_api.variant_flows(_first date, _last date, _variant_ids uuid[])
    returns table (variant_id uuid, opening int, received int, sold int, restored int, adjusted int, counted int, closing int)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with moved as (
        select d.variant_id, sum(d.purchase_in - d.purchase_out)::int as received, sum(d.sale_out - d.sale_in)::int as sold,
               sum(d.restoration_in - d.restoration_out)::int as restored,
               sum(d.adjustment_in - d.adjustment_out)::int as adjusted, sum(d.count_in - d.count_out)::int as counted
          from stockroom.variant_days d
         where d.day between _first and _last and (_variant_ids is null or d.variant_id = any (_variant_ids))
         group by d.variant_id
    )
    select v.id, coalesce(e.closing, 0) - coalesce(m.received - m.sold + m.restored + m.adjusted + m.counted, 0),
           coalesce(m.received, 0), coalesce(m.sold, 0), coalesce(m.restored, 0), coalesce(m.adjusted, 0), coalesce(m.counted, 0),
           coalesce(e.closing, 0)
      from public.product_variants v
      left join moved m on m.variant_id = v.id
      left join lateral (select d.closing from stockroom.variant_days d
                          where d.variant_id = v.id and d.day <= _last order by d.day desc limit 1) e on true
     where _variant_ids is null or v.id = any (_variant_ids);
$$;

grant execute on function stockroom_api.variant_flows(date, date, uuid[]) to stockroom_app;
