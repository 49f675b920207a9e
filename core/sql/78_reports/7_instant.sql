-- The shop at an instant: what moved between two moments.

-- Units in and out of each variant by type for `_since` <= moment < `_until`. Whole days come from the rollup, the ends from the
-- movements.
create function stockroom_api.moved_between(_since timestamptz, _until timestamptz)
    returns table (variant_id uuid, purchase_in bigint, purchase_out bigint, sale_in bigint, sale_out bigint, restoration_in bigint,
                   restoration_out bigint, adjustment_in bigint, adjustment_out bigint, count_in bigint, count_out bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    _zone text := (select s.zone from stockroom.shop s);
    _first date := stockroom_api.day_at(_since, _zone);
    _last date := stockroom_api.day_at(_until, _zone);
    _morning timestamptz := least(stockroom_api.day_start(_first + 1, _zone), _until);
    _evening timestamptz := greatest(stockroom_api.day_start(_last, _zone), _morning);
begin
    return query
    with moved as (
        select d.variant_id, d.purchase_in, d.purchase_out, d.sale_in, d.sale_out, d.restoration_in, d.restoration_out, d.adjustment_in,
               d.adjustment_out, d.count_in, d.count_out
          from stockroom.variant_days d where d.day > _first and d.day < _last
        union all
        select m.variant_id, case when m.movement_type = 'purchase' then u.came else 0 end,
               case when m.movement_type = 'purchase' then u.went else 0 end, case when m.movement_type = 'sale' then u.came else 0 end,
               case when m.movement_type = 'sale' then u.went else 0 end, case when m.movement_type = 'restoration' then u.came else 0 end,
               case when m.movement_type = 'restoration' then u.went else 0 end,
               case when m.movement_type = 'adjustment' then u.came else 0 end,
               case when m.movement_type = 'adjustment' then u.went else 0 end, case when m.movement_type = 'count' then u.came else 0 end,
               case when m.movement_type = 'count' then u.went else 0 end
          from public.stock_movements m
         cross join lateral (select greatest(m.quantity, 0) as came, greatest(-m.quantity, 0) as went) u
         where m.occurred_at >= _since and m.occurred_at < _morning or m.occurred_at >= _evening and m.occurred_at < _until
    )
    select m.variant_id, sum(m.purchase_in), sum(m.purchase_out), sum(m.sale_in), sum(m.sale_out), sum(m.restoration_in),
           sum(m.restoration_out), sum(m.adjustment_in), sum(m.adjustment_out), sum(m.count_in), sum(m.count_out)
      from moved m
     group by m.variant_id;
end $$;

grant execute on function stockroom_api.moved_between(timestamptz, timestamptz) to stockroom_app;
