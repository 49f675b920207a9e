-- How fast variants sell while they are in stock.

-- Units sold per day in stock, for each of the variants, on days from `_since` to before `_until`, not counting days after today. A day
-- counts as in stock if a unit lay on the shelf at some time of it, else as out of stock; days before the variant's first movement
-- count as neither. Undone sales are not sold; goods that came back are. The rate is null without a day in stock.
create function stockroom_api.in_stock(_variants uuid[], _since date, _until date)
    returns table (variant_id uuid, days_in_stock numeric, days_out numeric, sold int, rate numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan as $$
    select w.id, f.there, f.days - f.there, f.sold, case when f.there > 0 then f.sold / f.there end
      from unnest(_variants) w (id)
     cross join (select greatest(least(_until, stockroom_api.shop_day(now()) + 1), _since) as until) t
     cross join lateral (
        select coalesce(sum((s.is_asked and (s.opening > 0 or s.came > 0))::int
                            + case when s.closing > 0 then s.next - s.day - 1 else 0 end), 0)::numeric as there,
               coalesce(sum(s.is_asked::int + s.next - s.day - 1), 0)::numeric as days,
               greatest(coalesce(sum(s.sold), 0), 0)::int as sold
          from (select d.day, d.closing, d.sold, d.came, d.day >= _since as is_asked,
                       lag(d.closing, 1, 0) over by_day as opening, lead(d.day, 1, t.until) over by_day as next
                  from ((select _since - 1 as day, d.closing, 0 as sold, 0 as came
                           from stockroom.variant_days d
                          where d.variant_id = w.id and d.day < _since order by d.day desc limit 1)
                        union all
                        select d.day, d.closing, d.sale_out - d.sale_in,
                               d.purchase_in + d.sale_in + d.restoration_in + d.adjustment_in + d.count_in
                          from stockroom.variant_days d
                         where d.variant_id = w.id and d.day >= _since and d.day < t.until) d
                window by_day as (order by d.day)) s) f;
$$;

grant execute on function stockroom_api.in_stock(uuid[], date, date) to stockroom_app;
