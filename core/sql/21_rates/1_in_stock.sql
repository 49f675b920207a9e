-- How fast variants sell while they are in stock.

-- Units sold per day in stock, for each of the variants, on days from `_since` to before `_until`, not counting days after today. A day
-- counts as in stock if a unit lay on the shelf at some time of it, else as out of stock; days before the variant's first movement
-- count as neither. Undone sales are not sold; goods that came back are. The rate is null without a day in stock. The days in stock are
-- all days if the first one began with stock, and with each change between some and none the days after it more or less.
create function stockroom_api.in_stock(_variants uuid[], _since date, _until date)
    returns table (variant_id uuid, days_in_stock numeric, days_out numeric, sold int, rate numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan as $$
    select w.id, f.there::numeric, (f.days - f.there)::numeric, f.sold, case when f.there > 0 then f.sold::numeric / f.there end
      from unnest(_variants) w (id)
     cross join (select greatest(least(_until, stockroom_api.shop_day(now()) + 1), _since) as until) t
      left join lateral (select h.closing from stockroom.variant_days h
                          where h.variant_id = w.id and h.day < _since order by h.day desc limit 1) b on true
     cross join lateral (
        select case when b.closing > 0 then t.until - _since else 0 end
               + coalesce(sum(((d.closing > 0)::int - (d.opening > 0)::int) * (t.until - d.day - 1)
                              + (d.opening <= 0 and d.came > 0)::int), 0)::int as there,
               t.until - case when b.closing is null then coalesce(min(d.day), t.until) else _since end as days,
               greatest(coalesce(sum(d.sold), 0), 0)::int as sold
          from (select r.day, r.closing, r.sale_out - r.sale_in as sold, c.came,
                       r.closing - c.came + r.purchase_out + r.sale_out + r.restoration_out + r.adjustment_out + r.count_out as opening
                  from stockroom.variant_days r
                 cross join lateral (select r.purchase_in + r.sale_in + r.restoration_in + r.adjustment_in + r.count_in as came) c
                 where r.variant_id = w.id and r.day >= _since and r.day < t.until) d) f;
$$;

grant execute on function stockroom_api.in_stock(uuid[], date, date) to stockroom_app;
