-- What a chart of a variant's level marks: counts, receipts, and when it ran out.

-- The newest `_most` counts, receipts and stock-outs of a variant since a day, with its level after each. A movement that is several
-- of these has a row for each. Only changes to a level of zero are stock-outs.
create function stockroom_api.level_marks(_variant_id uuid, _since date, _most int)
    returns table (at timestamptz, kind text, quantity int, level int)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select x.occurred_at, k.kind, x.quantity, x.level
      from (select m.occurred_at, m.variant_sequence, m.movement_type, m.quantity,
                   (coalesce((select d.closing from stockroom.variant_days d
                               where d.variant_id = _variant_id and d.day < _since order by d.day desc limit 1), 0)
                    + sum(m.quantity) over (order by m.occurred_at, m.variant_sequence))::int as level
              from public.stock_movements m
             where m.variant_id = _variant_id
               and m.occurred_at >= coalesce(stockroom_api.day_start(_since, (select s.zone from stockroom.shop s)), '-infinity')) x
     cross join lateral (
        select 'count' where x.movement_type = 'count'
        union all
        select 'receipt' where x.movement_type = 'purchase' and x.quantity > 0
        union all
        select 'out' where x.level = 0 and x.quantity < 0) k (kind)
     order by x.occurred_at desc, x.variant_sequence desc
     limit _most;
$$;

grant execute on function stockroom_api.level_marks(uuid, date, int) to stockroom_app;
