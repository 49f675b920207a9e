-- How long variants were out of stock, and what that cost.

-- Days in stock and out of each variant and its rate of sales, as `in_stock` defines them, on the days from `_first` to `_last`, both
-- included: for many variants at once, it reads the days of the period in one go. `_variant_ids` null: all variants.
create function stockroom_api.days_in_stock(_first date, _last date, _variant_ids uuid[])
    returns table (variant_id uuid, days_in_stock int, days_out int, sold int, rate numeric)
    language sql stable as $$
    with ends as (
        select greatest(least(_last + 1, stockroom_api.shop_day(now()) + 1), _first) as until
    ), moved as (
        select d.variant_id, min(d.day) as first, greatest(sum(d.sold), 0)::int as sold,
               sum(((d.closing > 0)::int - (d.opening > 0)::int) * (t.until - d.day - 1) + (d.opening <= 0 and d.came > 0)::int)::int as there
          from (select r.variant_id, r.day, r.closing, r.sale_out - r.sale_in as sold, c.came,
                       r.closing - c.came + r.purchase_out + r.sale_out + r.restoration_out + r.adjustment_out + r.count_out as opening
                  from stockroom.variant_days r
                 cross join lateral (select r.purchase_in + r.sale_in + r.restoration_in + r.adjustment_in + r.count_in as came) c
                 where r.day >= _first and r.day <= _last and (_variant_ids is null or r.variant_id = any (_variant_ids))) d
         cross join ends t
         where d.day < t.until
         group by d.variant_id
    )
    select v.id, f.there, f.days - f.there, coalesce(m.sold, 0), case when f.there > 0 then coalesce(m.sold, 0)::numeric / f.there end
      from public.product_variants v
     cross join ends t
      left join moved m on m.variant_id = v.id
      left join lateral (select h.closing from stockroom.variant_days h
                          where h.variant_id = v.id and h.day < _first order by h.day desc limit 1) b on true
     cross join lateral (
        select case when b.closing > 0 then t.until - _first else 0 end + coalesce(m.there, 0) as there,
               t.until - case when b.closing is null then coalesce(m.first, t.until) else _first end as days) f
     where _variant_ids is null or v.id = any (_variant_ids);
$$;

-- What each variant did not sell while it was out of stock: the rate of sales over its days in stock, times the days out, in units and
-- at the price of today. An inactive variant loses nothing. A variant without a day in stock has no rate, so what it lost is not known.
create function stockroom_api.stock_outs(_first date, _last date, _variant_ids uuid[])
    returns table (variant_id uuid, days_in_stock int, days_out int, sold int, rate numeric, lost numeric, lost_money numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select d.variant_id, d.days_in_stock, d.days_out, d.sold, d.rate, w.lost,
           round(w.lost * p.price, stockroom_api.shop_digits())
      from stockroom_api.days_in_stock(_first, _last, _variant_ids) d
      join public.product_variants v on v.id = d.variant_id
      join stockroom_api.sale_prices p on p.variant_id = d.variant_id
     cross join lateral (select case when v.is_active then d.rate * d.days_out else 0 end as lost) w
     where d.days_in_stock + d.days_out > 0;
$$;

grant execute on function stockroom_api.stock_outs(date, date, uuid[]) to stockroom_app;
