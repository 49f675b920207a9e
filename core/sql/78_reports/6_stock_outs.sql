-- How long variants were out of stock, and what that cost.

-- What each variant did not sell while it was out of stock: the rate of sales over its days in stock, times the days out, in units and
-- at the price of today. An inactive variant loses nothing. A variant without a day in stock has no rate, so what it lost is not known.
create function stockroom_api.stock_outs(_first date, _last date, _variant_ids uuid[])
    returns table (variant_id uuid, days_in_stock int, days_out int, sold int, rate numeric, lost numeric, lost_money numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select d.variant_id, d.days_in_stock::int, d.days_out::int, d.sold, d.rate, w.lost,
           round(w.lost * p.price, stockroom_api.shop_digits())
      from stockroom_api.in_stock(coalesce(_variant_ids, array(select x.id from public.product_variants x)), _first, _last + 1) d
      join public.product_variants v on v.id = d.variant_id
      join stockroom_api.sale_prices p on p.variant_id = d.variant_id
     cross join lateral (select case when v.is_active then d.rate * d.days_out else 0 end as lost) w
     where d.days_in_stock + d.days_out > 0;
$$;

grant execute on function stockroom_api.stock_outs(date, date, uuid[]) to stockroom_app;
