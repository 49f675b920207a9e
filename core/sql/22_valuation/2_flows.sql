-- Units and money of variants by month or day, and the value of the shelf at a moment. Months that are over are summed once and kept.

-- Units and money of a half-open range of time by variant, type and reason, and by day if asked for. An undo counts for the reason
-- that it reverses. The type `cost` has what changed in value without units.
create function stockroom_api.summed_values(_since timestamptz, _until timestamptz, _by_day boolean)
    returns table (day date, variant_id uuid, movement_type text, reason text, units_in bigint, units_out bigint, value numeric,
                   uncosted bigint)
    language plpgsql stable set jit = off set plan_cache_mode = force_custom_plan set work_mem = '64MB' as $$
declare
    _zone text := (select s.zone from stockroom.shop s);
begin
    return query
    with summed as (
        select case when _by_day then stockroom_api.day_at(w.occurred_at, _zone) end as day, w.variant_id, w.movement_type,
               case when w.reason = 'undo' then (select u.reason from public.stock_movements u where u.id = w.reverses_id)
                    else w.reason end as reason,
               sum(greatest(w.quantity, 0)) as units_in, sum(greatest(-w.quantity, 0)) as units_out, coalesce(sum(w.value_change), 0) as value,
               sum(case when w.is_costed then 0 else abs(w.quantity) end) as uncosted, sum(w.revalued) as revalued
          from stockroom_api.valued(_since, _until, null) w
         group by 1, 2, 3, 4
    )
    select s.day, s.variant_id, x.movement_type, coalesce(x.reason, 'undo'), x.units_in, x.units_out, x.value, x.uncosted
      from summed s
     cross join lateral (values (s.movement_type, s.reason, s.units_in, s.units_out, s.value, s.uncosted),
                                ('cost', 'revalued', 0, 0, s.revalued, 0)) x (movement_type, reason, units_in, units_out, value, uncosted)
     where x.movement_type <> 'cost' or x.value <> 0
    union all
    select case when _by_day then stockroom_api.day_at(c.at, _zone) end, c.variant_id, 'cost', 'set', 0, 0, sum(c.value_change), 0
      from stockroom_api.cost_changes(_since, _until) c
     where c.value_change <> 0
     group by 1, 2;
end $$;

-- Sum a month and keep it, and return whether it is kept. A month is kept two days after its end, because no transaction is open
-- that long. A posting into the past holds the lock shared; then nothing is kept now.
create function stockroom_api.close_month(_month date) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _zone text := (select s.zone from stockroom.shop s);
    _next date := (_month + interval '1 month')::date;
begin
    if exists (select from stockroom.closed_months c where c.month = _month) then
        return true;
    end if;
    if _month is null or _month <> date_trunc('month', _month)::date or stockroom_api.shop_day(now()) < _next + 2
       or pg_is_in_recovery() or not pg_try_advisory_xact_lock(hashtext('stockroom.shop_days')) then
        return false;
    end if;
    delete from stockroom.value_months v where v.month = _month;
    insert into stockroom.value_months
    select _month, f.variant_id, f.movement_type, f.reason, sum(f.units_in), sum(f.units_out), sum(f.value), sum(f.uncosted)
      from stockroom_api.summed_values(stockroom_api.day_start(_month, _zone), stockroom_api.day_start(_next, _zone), false) f
     group by 2, 3, 4;
    insert into stockroom.closed_months (month) values (_month);
    return true;
end $$;

-- The oldest month that is over and not kept yet; null if there is none.
create function stockroom_api.month_to_close() returns date
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select g.month::date
      from (select date_trunc('month', stockroom_api.shop_day(min(m.occurred_at))) as first from public.stock_movements m) f
     cross join generate_series(f.first, date_trunc('month', stockroom_api.shop_day(now()) - 2) - interval '1 month', interval '1 month') g (month)
     where not exists (select from stockroom.closed_months c where c.month = g.month::date)
     order by 1 limit 1;
$$;

-- Units and money from a moment to another by month, or by day, and by variant, type and reason. Kept months answer for themselves; at
-- most two others are kept on the way, so that a posting into the past does not wait long.
create function stockroom_api.value_flows(_since timestamptz, _until timestamptz, _by_day boolean)
    returns table (bucket date, variant_id uuid, movement_type text, reason text, units_in bigint, units_out bigint, value numeric,
                   uncosted bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _zone text := (select s.zone from stockroom.shop s);
    _first date := date_trunc('month', stockroom_api.day_at(least((select min(m.occurred_at) from public.stock_movements m),
                                                                  (select min(k.at) from stockroom.cost_steps k where k.kind = 'set')), _zone));
    _from timestamptz := greatest(_since, stockroom_api.day_start(_first, _zone));  -- nothing happened before
    _last date := stockroom_api.day_at(least(_until, now() + interval '1 day'), _zone);
    _month date := date_trunc('month', stockroom_api.day_at(_from, _zone))::date;
    _next date;
    _is_whole boolean;
    _kept int := 0;
begin
    if _first is null then  -- no movement and no cost yet
        return;
    end if;
    while _month <= _last loop
        _next := (_month + interval '1 month')::date;
        _is_whole := not _by_day and _from <= stockroom_api.day_start(_month, _zone) and _until >= stockroom_api.day_start(_next, _zone);
        if _is_whole and not exists (select from stockroom.closed_months c where c.month = _month) and _kept < 2 then
            _kept := _kept + stockroom_api.close_month(_month)::int;
        end if;
        if _is_whole and exists (select from stockroom.closed_months c where c.month = _month) then
            return query select v.month, v.variant_id, v.movement_type, v.reason, v.units_in, v.units_out, v.value, v.uncosted
                           from stockroom.value_months v where v.month = _month;
        else
            return query select coalesce(f.day, _month), f.variant_id, f.movement_type, f.reason, f.units_in, f.units_out, f.value, f.uncosted
                           from stockroom_api.summed_values(greatest(_from, stockroom_api.day_start(_month, _zone)),
                                    least(_until, stockroom_api.day_start(_next, _zone)), _by_day) f;
        end if;
        _month := _next;
    end loop;
end $$;

-- Units and value of every variant at a moment: the sums of all movements and cost changes before it. The value is null where no cost
-- was known by then.
create function stockroom_api.values_at(_at timestamptz)
    returns table (variant_id uuid, units bigint, value numeric)
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    select f.variant_id, sum(f.units_in - f.units_out)::bigint,
           case when bool_or(f.movement_type = 'cost' or f.uncosted < f.units_in + f.units_out) then sum(f.value) end
      from stockroom_api.value_flows('-infinity', _at, false) f
     group by f.variant_id;
$$;

grant execute on function
    stockroom_api.close_month(date), stockroom_api.month_to_close(), stockroom_api.value_flows(timestamptz, timestamptz, boolean),
    stockroom_api.values_at(timestamptz)
    to stockroom_app;
