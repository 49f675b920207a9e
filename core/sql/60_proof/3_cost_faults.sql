-- R13: the average cost of every variant follows from its movements and from what receipts cost.

-- R13: a step that does not follow from the one before it (`average`), from its movement (`level`), or has none (`invented`).
create view stockroom_api.step_faults as
with step as (
    select k.*, lag(k.average) over (partition by k.variant_id order by k.sequence, k.place) as before
      from stockroom.cost_steps k
)
select f.* from (
    select k.variant_id, v.sku, k.sequence as variant_sequence, m.id as movement_id, null::date as month,
           case when v.id is null or k.sequence > 0 and m.id is null then 'invented'
                when k.on_hand <> coalesce(m.quantity_after, 0) then 'level'
                when k.average is distinct from
                     case k.kind when 'set' then trim_scale(k.unit_cost)
                          when 'received' then stockroom_api.averaged(k.before, m.quantity_before, m.quantity, k.unit_cost, k.digits)
                          else stockroom_api.average_without_undone(k.variant_id, k.sequence) end then 'average' end as fault
      from step k
      left join public.product_variants v on v.id = k.variant_id
      left join public.stock_movements m on m.variant_id = k.variant_id and m.variant_sequence = k.sequence) f
 where f.fault is not null;

-- R13: a receipt or its undo without a step (`missing`), although a cost was known. Steps with the source `earlier` are those of the
-- release that began to keep costs.
create view stockroom_api.missing_step_faults as
select m.variant_id, m.sku, m.variant_sequence, m.id as movement_id, null::date as month, 'missing' as fault
  from public.stock_movements m
 where m.movement_type = 'purchase' and m.quantity > 0 and m.reason <> 'undo'
   and not exists (select from stockroom.cost_steps k where k.variant_id = m.variant_id and k.sequence = m.variant_sequence and k.place = 0)
   and (select k.average from stockroom.cost_steps k where k.variant_id = m.variant_id and k.sequence < m.variant_sequence
         order by k.sequence desc, k.place desc limit 1) is not null
   and m.variant_sequence > coalesce((select max(o.sequence) from stockroom.cost_steps o
                                       where o.variant_id = m.variant_id and o.kind = 'set' and o.source = 'earlier'), 0)
union all
select u.variant_id, u.sku, u.variant_sequence, u.id, null, 'missing'
  from public.stock_movements u
  join public.stock_movements m on m.id = u.reverses_id
  join stockroom.cost_steps k on k.variant_id = m.variant_id and k.sequence = m.variant_sequence and k.place = 0
 where u.movement_type = 'purchase' and u.quantity < 0 and u.reason = 'undo'
   and not exists (select from stockroom.cost_steps x where x.variant_id = u.variant_id and x.sequence = u.variant_sequence and x.place = 0);

-- R13 for the variants of which a step was written since the last full run, and for the receipts after it: see 1_windows.sql.
create view stockroom_api.recent_cost_faults as
select f.* from stockroom_api.step_faults f where f.variant_id = any (array(select stockroom_api.written_costs(false)))
union
select f.* from stockroom_api.missing_step_faults f where f.variant_id = any (array(select stockroom_api.written_costs(false)))
union
select f.*
  from stockroom_api.proof_windows w
 cross join lateral stockroom_api.written_costs(true) v (id)
 cross join lateral (
    select coalesce((select e.sequence from stockroom.proof_ends e
                      where e.variant_id = v.id and e.run_id <= w.run_id order by e.run_id desc limit 1), 0) as sequence) e
 cross join lateral (
    select x.* from stockroom_api.missing_step_faults x where x.variant_id = v.id and x.variant_sequence > e.sequence offset 0) f
 where w.code = 'R13';

-- R13: every step, and the kept months equal the sums of their movements (`month`).
create view stockroom_api.cost_faults as
select * from stockroom_api.step_faults
union all
select * from stockroom_api.missing_step_faults
union all
select k.variant_id, v.sku, null, null, c.month, 'month'
  from stockroom.closed_months c
 cross join stockroom.shop s
 cross join lateral (
    select distinct coalesce(w.variant_id, f.variant_id) as variant_id
      from (select * from stockroom.value_months x where x.month = c.month) w
      full join (select y.variant_id, y.movement_type, y.reason, sum(y.units_in) as units_in, sum(y.units_out) as units_out,
                        sum(y.value) as value, sum(y.uncosted) as uncosted
                   from stockroom_api.summed_values(stockroom_api.day_start(c.month, s.zone),
                            stockroom_api.day_start((c.month + interval '1 month')::date, s.zone), false) y
                  group by 1, 2, 3) f
        on f.variant_id = w.variant_id and f.movement_type = w.movement_type and f.reason = w.reason
     where (w.units_in, w.units_out, w.value, w.uncosted) is distinct from (f.units_in, f.units_out, f.value, f.uncosted)) k
  left join public.product_variants v on v.id = k.variant_id;
