-- The value of single movements, for files. stockroom_api.movement_values computes many at once.

-- What a movement added to or took from the value of the shelf; null where no cost is known. A receipt adds what it cost; every other
-- movement comes or leaves at the average of the last step before it. In plpgsql, which keeps its plan.
create function stockroom_api.worth(_movement_id bigint) returns numeric
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return (
        select case when o.unit_cost is not null then round(m.quantity * o.unit_cost, d.digits)
                    else round(m.quantity_after * k.average, d.digits) - round(m.quantity_before * k.average, d.digits) end
          from public.stock_movements m
         cross join (select stockroom_api.shop_digits() as digits) d
          left join stockroom.cost_steps o on o.variant_id = m.variant_id and o.sequence = m.variant_sequence and o.place = 0
          left join lateral (select x.average from stockroom.cost_steps x
                              where x.variant_id = m.variant_id and x.sequence < m.variant_sequence
                              order by x.sequence desc, x.place desc limit 1) k on true
         where m.id = _movement_id);
end $$;

grant execute on function stockroom_api.worth(bigint) to stockroom_app;
