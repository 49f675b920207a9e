-- Units that came back and wait for an inspection: neither on hand nor available until a person decides.

-- The decisions to inspect first that still have units without a result. A result counts while its decision stands. Refunds with such
-- units are in one of two states, so the view reads only those.
create view stockroom_api.inspections as
select d.id as decision_id, d.refund_id, d.line_id, l.order_id, l.variant_id, d.quantity - s.settled as units, d.note, d.operation_id,
       d.decided_by, d.decided_at
  from stockroom.refunds r
  join stockroom.refund_decisions d on d.refund_id = r.id and d.disposition = 'inspect'
  join stockroom.order_lines l on l.id = d.line_id
 cross join lateral (
    select coalesce(sum(i.quantity), 0)::int as settled
      from stockroom.inspection_results i
      join stockroom.refund_decisions x on x.id = i.decision_id
     where i.inspection_id = d.id
       and not exists (select from stockroom.decisions_taken_back t where t.decision_id = x.id)
       and not exists (select from public.stock_movements u where u.reverses_id = x.movement_id)) s
 where r.state in ('inspecting', 'failed') and d.quantity > s.settled
   and not exists (select from stockroom.decisions_taken_back t where t.decision_id = d.id);

-- How many units of each variant are in inspection.
create view stockroom_api.variant_inspections as
select i.variant_id, sum(i.units)::int as units from stockroom_api.inspections i where i.variant_id is not null group by i.variant_id;

grant select on stockroom_api.inspections to stockroom_app;
