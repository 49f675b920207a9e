-- What left the shelf without a sale, and what came back to it.

-- Units that left by adjustments and counts in a period, by variant, reason and person; `found` are those that came by the same
-- reason. A first count finds nothing: it says what was there. What was undone is no loss, and neither is its undo. `value` is what the
-- lost units were worth at their average cost then, as in `movement_values`; `uncosted` are those without a known cost.
create function stockroom_api.variant_losses(_first date, _last date, _variant_ids uuid[])
    returns table (variant_id uuid, movement_type text, reason text, performed_by text, lost int, found int,
                   value numeric, uncosted int)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select m.variant_id, m.movement_type, m.reason, m.performed_by, coalesce(sum(-m.quantity) filter (where m.quantity < 0), 0)::int,
           coalesce(sum(m.quantity) filter (where m.quantity > 0), 0)::int,
           coalesce(sum(round(m.quantity_before * k.average, g.digits) - round(m.quantity_after * k.average, g.digits))
                        filter (where m.quantity < 0), 0),
           coalesce(sum(-m.quantity) filter (where m.quantity < 0 and k.average is null), 0)::int
      from public.stock_movements m
     cross join (select stockroom_api.shop_digits() as digits) g
      left join lateral (select s.average from stockroom.cost_steps s
                          where s.variant_id = m.variant_id and s.sequence < m.variant_sequence
                          order by s.sequence desc, s.place desc limit 1) k on true
     where m.movement_type in ('adjustment', 'count') and m.reason <> 'initial_count'
       and m.occurred_at >= (select stockroom_api.shop_start(_first)) and m.occurred_at < (select stockroom_api.shop_start(_last + 1))
       and (_variant_ids is null or m.variant_id = any (_variant_ids))
       and m.reverses_id is null and not exists (select from public.stock_movements u where u.reverses_id = m.id)
     group by 1, 2, 3, 4;
$$;

-- Units put back on the shelf in a period by variant and reason, without what was undone.
create function stockroom_api.variant_restorations(_first date, _last date, _variant_ids uuid[])
    returns table (variant_id uuid, reason text, units int)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select m.variant_id, m.reason, sum(m.quantity)::int
      from public.stock_movements m
     where m.movement_type = 'restoration'
       and m.occurred_at >= (select stockroom_api.shop_start(_first)) and m.occurred_at < (select stockroom_api.shop_start(_last + 1))
       and (_variant_ids is null or m.variant_id = any (_variant_ids))
       and m.reverses_id is null and not exists (select from public.stock_movements u where u.reverses_id = m.id)
     group by 1, 2;
$$;

-- What people decided in a period about refunded units, by variant, by the reason of the refund, and by what became of the units;
-- without what was taken back. Goods that came back without a refund have no reason. Units to inspect count until something else was
-- decided about them.
create function stockroom_api.variant_returns(_first date, _last date, _variant_ids uuid[])
    returns table (variant_id uuid, refund_reason text, disposition text, refunds int, units int)
    language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
    select l.variant_id, r.reason, d.disposition, count(distinct d.refund_id)::int, sum(w.units)::int
      from stockroom_api.order_decisions d
      join stockroom.order_lines l on l.id = d.line_id
      left join stockroom.refunds r on r.id = d.refund_id
     cross join lateral (
        select case when d.disposition <> 'inspect' then d.quantity
                    else d.quantity - (select coalesce(sum(x.quantity), 0) from stockroom_api.order_decisions x
                                        where x.order_id = d.order_id and x.refund_id = d.refund_id and x.line_id = d.line_id
                                          and x.id > d.id and x.stands and x.disposition <> 'inspect') end as units) w
     where d.stands and w.units > 0 and l.variant_id is not null
       and d.decided_at >= (select stockroom_api.shop_start(_first)) and d.decided_at < (select stockroom_api.shop_start(_last + 1))
       and (_variant_ids is null or l.variant_id = any (_variant_ids))
     group by 1, 2, 3;
$$;

grant execute on function
    stockroom_api.variant_losses(date, date, uuid[]), stockroom_api.variant_restorations(date, date, uuid[]),
    stockroom_api.variant_returns(date, date, uuid[])
    to stockroom_app;
