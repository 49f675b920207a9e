-- What reports read of the money: one row a variant, and a day or month.

-- The money of a half-open range of days by what moved it: one row a variant and bucket, a day or the first day of a month. `units` is
-- the net change, `uncosted` units moved without a known cost. `_variant_ids` null: all variants.
create function stockroom_api.value_parts(_since date, _until date, _by_day boolean, _variant_ids uuid[])
    returns table (bucket date, variant_id uuid, purchases numeric, sales numeric, restorations numeric, losses numeric,
                   adjustments numeric, counts numeric, cost_changes numeric, total numeric, units bigint, uncosted bigint)
    language sql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select f.bucket, f.variant_id, coalesce(sum(f.value) filter (where g.part = 'purchases'), 0),
           coalesce(sum(f.value) filter (where g.part = 'sales'), 0), coalesce(sum(f.value) filter (where g.part = 'restorations'), 0),
           coalesce(sum(f.value) filter (where g.part = 'losses'), 0), coalesce(sum(f.value) filter (where g.part = 'adjustments'), 0),
           coalesce(sum(f.value) filter (where g.part = 'counts'), 0), coalesce(sum(f.value) filter (where g.part = 'cost_changes'), 0),
           sum(f.value), sum(f.units_in - f.units_out)::bigint, sum(f.uncosted)::bigint
      from stockroom.shop s
     cross join lateral stockroom_api.value_flows(stockroom_api.day_start(_since, s.zone), stockroom_api.day_start(_until, s.zone), _by_day) f
      left join stockroom_api.loss_reasons l on l.movement_type = f.movement_type and l.reason = f.reason
     cross join lateral (select stockroom_api.month_group(f.movement_type, l.reason is not null) as part) g
     where _variant_ids is null or f.variant_id = any (_variant_ids)
     group by 1, 2;
$$;

-- Units and value of variants when a day begins; the value is null where no cost was known. `_variant_ids` null: all variants.
create function stockroom_api.values_on(_day date, _variant_ids uuid[])
    returns table (variant_id uuid, units bigint, value numeric)
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    select a.variant_id, a.units, a.value
      from stockroom.shop s
     cross join lateral stockroom_api.values_at(stockroom_api.day_start(_day, s.zone)) a
     where _variant_ids is null or a.variant_id = any (_variant_ids);
$$;

grant execute on function
    stockroom_api.value_parts(date, date, boolean, uuid[]), stockroom_api.values_on(date, uuid[])
    to stockroom_app;
