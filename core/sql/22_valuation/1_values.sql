-- What movements added to or took from the value of the shelf, in whole units of the shop's currency, exact to its minor unit. The
-- value of a variant is its units times its average cost, rounded; so the changes of a variant always add up to its value.

-- The digits of the shop's currency.
create function stockroom_api.shop_digits() returns int
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select stockroom_api.currency_digits(s.currency) from stockroom.shop s;
$$;

-- The present cost and value of each variant: what one unit costs on average (null: not known), the units on hand whose cost is known,
-- and their value.
create view stockroom_api.variant_costs as
select v.id as variant_id, k.average, case when k.average is null then 0 else v.stock_quantity end as costed_units,
       round(v.stock_quantity * k.average, d.digits) as value
  from public.product_variants v
 cross join (select stockroom_api.shop_digits() as digits offset 0) d
  left join lateral (select s.average from stockroom.cost_steps s
                      where s.variant_id = v.id order by s.sequence desc, s.place desc limit 1) k on true;

-- The steps of the average cost as people read them. `movement_id` is the receipt or its undo; a cost that was set has none.
create view stockroom_api.cost_history as
select k.variant_id, v.sku, k.sequence, k.place, k.kind, k.source, k.unit_cost, k.average, k.on_hand, m.id as movement_id, m.quantity,
       k.performed_by, k.note, k.at
  from stockroom.cost_steps k
  join public.product_variants v on v.id = k.variant_id
  left join public.stock_movements m on m.variant_id = k.variant_id and m.variant_sequence = k.sequence and k.place = 0;

-- The value that each movement in a half-open range of time added or took; null where no cost is known. A receipt adds what it cost
-- and its undo takes that away; every other movement comes or leaves at the average. `revalued` is what the movement changed
-- in the value of the units already there: the first known cost, and the undo of a receipt at an average that it had changed.
-- An average is that of its variant after the last step before the movement; `stage` has these steps as ranges of numbers. It has no
-- settings of its own, so that it becomes part of the query that calls it.
create function stockroom_api.valued(_since timestamptz, _until timestamptz, _variants uuid[])
    returns table (movement_id bigint, variant_id uuid, movement_type text, reason text, quantity int, occurred_at timestamptz,
                   value_change numeric, is_costed boolean, revalued numeric, reverses_id bigint, performed_by text, source text)
    language sql stable as $$
    with moved as materialized (
        select m.id, m.variant_id, m.movement_type, m.reason, m.quantity, m.quantity_before, m.quantity_after, m.variant_sequence,
               m.occurred_at, m.reverses_id, m.performed_by, m.reference_type
          from public.stock_movements m
         where m.occurred_at >= _since and m.occurred_at < _until and (_variants is null or m.variant_id = any (_variants))
    ), span as (
        select m.variant_id, min(m.variant_sequence) as first, max(m.variant_sequence) as last from moved m group by m.variant_id
    ), stage as materialized (
        select s.variant_id, k.sequence, k.place, k.average, k.unit_cost,
               lead(k.sequence, 1, 2147483647) over (partition by k.variant_id order by k.sequence, k.place) as next
          from span s
         cross join lateral (
            (select x.* from stockroom.cost_steps x
              where x.variant_id = s.variant_id and x.sequence < s.first order by x.sequence desc, x.place desc limit 1)
            union all
            select x.* from stockroom.cost_steps x
             where x.variant_id = s.variant_id and x.sequence >= s.first and x.sequence <= s.last) k
    )
    select m.id, m.variant_id, m.movement_type, m.reason, m.quantity, m.occurred_at, w.share, w.share is not null,
           case when o.variant_id is null then 0
                else coalesce(round(m.quantity_after * o.average, d.digits), 0) - coalesce(round(m.quantity_before * k.average, d.digits), 0)
                     - coalesce(w.share, 0) end, m.reverses_id, m.performed_by, coalesce(m.reference_type, '')
      from moved m
     cross join (select stockroom_api.shop_digits() as digits offset 0) d
      left join stage k on k.variant_id = m.variant_id and m.variant_sequence > k.sequence and m.variant_sequence <= k.next
      left join stage o on o.variant_id = m.variant_id and o.sequence = m.variant_sequence and o.place = 0
     cross join lateral (
        select case when o.unit_cost is not null then round(m.quantity * o.unit_cost, d.digits)
                    else round(m.quantity_after * k.average, d.digits) - round(m.quantity_before * k.average, d.digits) end as share) w;
$$;

-- The same for everybody who may read the ledger.
create function stockroom_api.movement_values(_since timestamptz, _until timestamptz, _variants uuid[] default null)
    returns table (movement_id bigint, variant_id uuid, movement_type text, reason text, quantity int, occurred_at timestamptz,
                   value_change numeric, is_costed boolean, revalued numeric, reverses_id bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set jit = off
    set plan_cache_mode = force_custom_plan set work_mem = '64MB' as $$
begin
    return query select w.movement_id, w.variant_id, w.movement_type, w.reason, w.quantity, w.occurred_at, w.value_change, w.is_costed,
                        w.revalued, w.reverses_id
                   from stockroom_api.valued(_since, _until, _variants) w;
end $$;

-- What costs that were set in a half-open range of time changed in the value of units on hand.
create function stockroom_api.cost_changes(_since timestamptz, _until timestamptz)
    returns table (variant_id uuid, at timestamptz, value_change numeric)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select k.variant_id, k.at,
           coalesce(round(k.on_hand * k.average, d.digits), 0) - coalesce(round(k.on_hand * b.average, d.digits), 0)
      from stockroom.cost_steps k
     cross join (select stockroom_api.shop_digits() as digits) d
      left join lateral (select x.average from stockroom.cost_steps x
                          where x.variant_id = k.variant_id and (x.sequence, x.place) < (k.sequence, k.place)
                          order by x.sequence desc, x.place desc limit 1) b on true
     where k.kind = 'set' and k.at >= _since and k.at < _until;
$$;

grant select on stockroom_api.variant_costs, stockroom_api.cost_history to stockroom_app;
grant execute on function
    stockroom_api.shop_digits(),
    stockroom_api.movement_values(timestamptz, timestamptz, uuid[]), stockroom_api.cost_changes(timestamptz, timestamptz)
    to stockroom_app;
