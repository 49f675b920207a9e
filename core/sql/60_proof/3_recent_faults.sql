-- R4 to R7 for what was written since the last full proof: see 1_windows.sql.

-- R4 for the lines written since.
create view stockroom_api.recent_unit_faults as
select f.* from stockroom_api.unit_faults f where f.line_id = any (array(select stockroom_api.written_lines('R4')));

-- R5 for the orders written since.
create view stockroom_api.recent_amount_faults as
select f.* from stockroom_api.amount_faults f where f.order_id = any (array(select stockroom_api.written_orders('R5')));

-- R6 for the lines written since, and for every refund.
create view stockroom_api.recent_refund_faults as
select f.* from stockroom_api.restored_faults f where f.line_id = any (array(select stockroom_api.written_lines('R6')))
union all
select f.* from stockroom_api.undecided_faults f;

-- R7 for the orders written since: whether another order, of any age, has one of their ids.
create view stockroom_api.recent_twin_faults as
select n.name, array_agg(distinct i.order_id order by i.order_id) as order_ids
  from (select distinct w.name from stockroom_api.sale_ids w where w.order_id = any (array(select stockroom_api.written_orders('R7')))) n
 cross join lateral (select i.order_id from stockroom_api.sale_ids i where i.name = n.name offset 0) i
 group by n.name having min(i.order_id) < max(i.order_id);
