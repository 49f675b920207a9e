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
select n.name, array_agg(distinct x.id order by x.id) as order_ids
  from (select distinct u.name
          from stockroom.orders o
         cross join lateral unnest(array[o.payment_id, o.charge_id, o.session_id]) u (name)
         where o.id = any (array(select stockroom_api.written_orders('R7'))) and u.name is not null) n
 cross join lateral (
    select o.id from stockroom.orders o where o.payment_id = n.name
    union all
    select o.id from stockroom.orders o where o.charge_id = n.name
    union all
    select o.id from stockroom.orders o where o.session_id = n.name) x
 group by n.name having count(distinct x.id) > 1;
