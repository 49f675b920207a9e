-- Units in and out of the whole shop by day, type, reason, person, source and brand. Past days are summed once and kept; the rest is
-- read from the movements.

-- The movements of some days with what they are split by. Their value costs more than all else, so it is asked for.
create function stockroom_api.moved_on(_days date[], _with_value boolean)
    returns table (day date, variant_id uuid, movement_type text, reason text, performed_by text, source text, quantity int,
                   value numeric, is_costed boolean)
    language plpgsql stable set jit = off set work_mem = '64MB' as $$
begin
    if _with_value then
        return query
        select d.day, w.variant_id, w.movement_type, w.reason, w.performed_by, w.source, w.quantity, w.value_change, w.is_costed
          from unnest(_days) d (day)
         cross join stockroom.shop s
         cross join lateral stockroom_api.valued(stockroom_api.day_start(d.day, s.zone),
                                                 stockroom_api.day_start(d.day + 1, s.zone), null) w;
    else
        return query
        select d.day, m.variant_id, m.movement_type, m.reason, m.performed_by, coalesce(m.reference_type, ''), m.quantity, 0::numeric,
               true
          from unnest(_days) d (day)
         cross join stockroom.shop s
          join public.stock_movements m on m.occurred_at >= stockroom_api.day_start(d.day, s.zone)
                                       and m.occurred_at < stockroom_api.day_start(d.day + 1, s.zone);
    end if;
end $$;

-- The sums of some days in each split, computed from the movements.
create function stockroom_api.sums_of_days(_days date[], _with_value boolean) returns setof stockroom.day_flows
    language sql stable set jit = off as $$
    with moved as materialized (
        select m.day, coalesce(p.brand, '') as brand, m.movement_type, m.reason, m.performed_by, m.source,
               sum(greatest(m.quantity, 0))::bigint as units_in, sum(greatest(-m.quantity, 0))::bigint as units_out,
               coalesce(sum(greatest(m.value, 0)), 0) as value_in, coalesce(sum(greatest(-m.value, 0)), 0) as value_out,
               coalesce(sum(abs(m.quantity)) filter (where not m.is_costed), 0)::bigint as uncosted
          from stockroom_api.moved_on(_days, _with_value) m
          join public.product_variants v on v.id = m.variant_id
          join public.products p on p.id = v.product_id
         group by 1, 2, 3, 4, 5, 6
    )
    select m.day, 'all', m.brand, m.movement_type, m.reason, m.performed_by, m.source, m.units_in, m.units_out, m.value_in, m.value_out,
           m.uncosted
      from moved m
    union all
    select m.day, 'shop', '', m.movement_type, m.reason, m.performed_by, m.source, sum(m.units_in)::bigint, sum(m.units_out)::bigint,
           sum(m.value_in), sum(m.value_out), sum(m.uncosted)::bigint
      from moved m group by 1, 4, 5, 6, 7
    union all
    select m.day, 'brands', m.brand, m.movement_type, '', '', '', sum(m.units_in)::bigint, sum(m.units_out)::bigint, sum(m.value_in),
           sum(m.value_out), sum(m.uncosted)::bigint
      from moved m group by 1, 3, 4;
$$;

-- A digest of what the kept sums rest on besides the movements: the brands of all products, and the currency.
create function stockroom_api.flows_basis() returns text
    language sql stable
    return (select md5(coalesce(string_agg(p.id::text || coalesce(p.brand, ''), '|' order by p.id), '') || max(s.currency))
              from stockroom.shop s left join public.products p on true);

-- The days from `_first` to `_last` that are not kept, or on another basis.
create function stockroom_api.unkept_days(_first date, _last date, _basis text) returns date[]
    language sql stable
    return array(select g::date from generate_series(_first, _last, interval '1 day') g
                  where not exists (select from stockroom.flow_days f where f.day = g::date and f.basis = _basis));

-- Keep the sums of past days, under the lock that a posting into the past shares: it deletes what it changes. It keeps the newest 40
-- days that are missing, so that such a posting never waits long; if another reader has the lock, none,
-- and on a replica none: there the daily job keeps them at the primary.
create function stockroom_api.keep_flows(_first date, _last date, _basis text) returns void
    language plpgsql as $$
declare
    _days date[];
begin
    if pg_is_in_recovery() then
        return;
    end if;
    perform stockroom_api.close_days(_first, _last);
    _days := array(select s.day from stockroom.shop_days s
                    where s.day = any (stockroom_api.unkept_days(_first, _last, _basis)) order by s.day desc limit 40);
    if _days = '{}' or not pg_try_advisory_xact_lock(hashtext('stockroom.shop_days')) then
        return;
    end if;
    delete from stockroom.flow_days f where f.day = any (_days);
    insert into stockroom.flow_days
    select s.day, _basis from stockroom.shop_days s where s.day = any (_days)
    on conflict do nothing;
    insert into stockroom.day_flows
    select s.* from stockroom_api.sums_of_days(array(select f.day from stockroom.flow_days f where f.day = any (_days)), true) s
    on conflict do nothing;
end $$;

-- Units in and out of the shop from `_first` to `_last`, both included, in a split; of one brand if it is not null.
create function stockroom_api.day_flows(_first date, _last date, _split text, _brand text, _with_value boolean)
    returns setof stockroom.day_flows
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _basis text := stockroom_api.flows_basis();
begin
    perform stockroom_api.keep_flows(_first, _last, _basis);
    return query
    select f.* from stockroom.flow_days d join stockroom.day_flows f on f.day = d.day
     where d.day between _first and _last and d.basis = _basis and f.split = _split and (_brand is null or f.brand = _brand)
    union all
    select s.* from stockroom_api.sums_of_days(stockroom_api.unkept_days(_first, _last, _basis), _with_value) s
     where s.split = _split and (_brand is null or s.brand = _brand);
end $$;

grant execute on function stockroom_api.day_flows(date, date, text, text, boolean) to stockroom_app;
