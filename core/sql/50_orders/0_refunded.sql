-- What was refunded of orders, as sums and in sentences. A lost dispute counts as a refund.

-- A day in the shop's time zone as sentences name it: 3 May 2026.
create function stockroom_api.said_day(_at timestamptz) returns text
    language sql stable as $$
    select to_char(stockroom_api.shop_day(_at), 'FMDD FMMonth YYYY');
$$;

-- The sum of each order's refunds that did not fail, and the latest of them.
create view stockroom_api.refunded_orders as
select r.order_id, r.currency, sum(r.amount)::bigint as refunded, max(r.refunded_at) as last_at,
       (array_agg(r.amount order by r.refunded_at desc, r.id desc))[1] as last_amount,
       (array_agg(r.kind order by r.refunded_at desc, r.id desc))[1] as last_kind
  from stockroom.refunds r
 where r.state not in ('failed', 'released')
 group by r.order_id, r.currency;

-- The least and the most that went back of each order in one currency, to compare with its amount: one row for each order that has
-- any, so that the planner begins with these few.
create view stockroom_api.refund_sums as
select f.order_id, min(f.refunded) as least, max(f.refunded) as most
  from (select r.order_id, sum(r.amount)::bigint as refunded
          from stockroom.refunds r where r.state not in ('failed', 'released')
         group by r.order_id, r.currency having sum(r.amount) > 0) f
 group by f.order_id;

grant select on stockroom_api.refund_sums to stockroom_app;

-- Those of these orders whose whole money went back.
create function stockroom_api.refunded_in_full(_order_ids bigint[]) returns bigint[]
    language sql stable as $$
    select array(select o.id
                   from stockroom.orders o
                   join stockroom_api.refunded_orders f on f.order_id = o.id and f.currency = o.currency
                  where o.id = any (_order_ids) and f.order_id = any (_order_ids) and f.refunded > 0 and f.refunded >= o.amount
                  order by o.id);
$$;

-- The question that a refund of a part adds to the sentence of an open case; empty without such a refund.
create function stockroom_api.refund_question(_order_id bigint) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce((
        select format('. %s of %s %s on %s. Does the buyer still want these goods?',
                      stockroom_api.money_text(f.refunded, f.currency), stockroom_api.money_text(o.amount, o.currency),
                      case f.last_kind when 'dispute' then 'were lost in a dispute' else 'were refunded' end,
                      stockroom_api.said_day(f.last_at))
          from stockroom.orders o
          join stockroom_api.refunded_orders f on f.order_id = o.id and f.currency = o.currency
         where o.id = _order_id and f.order_id = _order_id and f.refunded between 1 and o.amount - 1), '');
$$;

-- Settle the open lines of orders whose whole money went back, and end the cases about them: nobody waits for these goods.
create function stockroom_api.settle_refunded(_order_ids bigint[]) returns void
    language plpgsql as $$
declare
    _open bigint[] := array(
        select distinct l.order_id from stockroom.order_lines l where l.order_id = any (_order_ids) and l.state = 'failed');
begin
    if cardinality(_open) > 0 then
        _open := stockroom_api.refunded_in_full(_open);
        update stockroom.order_lines set oversold = quantity - taken, state = 'resolved', cause = 'refunded'
         where order_id = any (_open) and state = 'failed';
        perform stockroom_api.resolve_cause('order:' || o.payment_id, 'Stockroom', 'The order was refunded in full')
           from stockroom.orders o where o.id = any (_open);
    end if;
end $$;

grant execute on function stockroom_api.refund_question(bigint) to stockroom_app;
