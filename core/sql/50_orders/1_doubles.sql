-- Double payments: two payments with the same order number, or with the same cart and buyer within an hour.

-- What an order is about, to compare two carts: its variants with units, or the text of a cart that was not read.
create function stockroom_api.cart_print(_order stockroom.orders) returns text
    language sql stable as $$
    select case when _order.cart_state = 'read' then (
                select string_agg(x.what || ' ' || x.units, ',' order by x.what)
                  from (select coalesce(l.variant_id::text, l.code || ' ' || coalesce(l.size, '')) as what, sum(l.quantity) as units
                          from stockroom.order_lines l where l.order_id = _order.id group by 1) x)
                when _order.cart_raw <> '{}' then _order.amount || ' ' || _order.cart_raw end;
$$;

-- An order as the case of a double payment describes it.
create function stockroom_api.double_facts(_order stockroom.orders) returns jsonb
    language sql stable as $$
    select jsonb_build_object('order_id', _order.id, 'payment_id', _order.payment_id, 'number', _order.number, 'buyer',
        coalesce(_order.email, _order.name), 'amount', _order.amount, 'currency', _order.currency, 'paid_at', _order.paid_at,
        'livemode', _order.livemode);
$$;

-- The pairs of orders that look like one thing paid twice, with one of the pair among `_order_ids`. History that was only recorded
-- is left out, and so is an order whose money went back.
create function stockroom_api.double_pairs(_order_ids bigint[]) returns table (earlier bigint, later bigint, why text)
    language sql stable as $$
    select distinct on (l.id) e.id, l.id, case p.place when 1 then 'the same order number' else 'the same buyer and cart within an hour' end
      from (select a.id, x.id as other, x.place, (a.paid_at, a.id) > (x.paid_at, x.id) as is_later
              from stockroom.orders a
             cross join lateral (
                (select n.id, n.paid_at, 1 as place from stockroom.orders n
                  where lower(n.number) = lower(a.number) and n.id <> a.id and n.policy <> 'skip' limit 20)
                union all
                (select m.id, m.paid_at, 2 from stockroom.orders m
                  where lower(m.email) = lower(a.email) and m.id <> a.id and m.policy <> 'skip'
                    and m.paid_at between a.paid_at - interval '1 hour' and a.paid_at + interval '1 hour' limit 10)) x
             where a.id = any (_order_ids) and a.policy <> 'skip') p
      join stockroom.orders e on e.id = case when p.is_later then p.other else p.id end
      join stockroom.orders l on l.id = case when p.is_later then p.id else p.other end
     where (p.place = 1 or stockroom_api.cart_print(e) = stockroom_api.cart_print(l))
       and cardinality(stockroom_api.refunded_in_full(array[e.id, l.id])) = 0
     order by l.id, p.place, e.paid_at desc, e.id desc;
$$;

-- Open a case for each such pair, about the later payment, once ever. An order number for which a person has said "Both are right"
-- may repeat.
create function stockroom_api.question_doubles(_order_ids bigint[]) returns void
    language plpgsql as $$
declare
    _found stockroom_api.new_alert[] := array(
        select row ('double_payment', 'warning', 'double:' || l.payment_id,
                    format('Order %s looks like a double payment of order %s: %s', stockroom_api.order_name(l),
                           stockroom_api.order_name(e), p.why),
                    jsonb_build_object('why', p.why, 'first', stockroom_api.double_facts(e), 'second', stockroom_api.double_facts(l)),
                    l.id, null, null, null, 0, l.amount, l.currency)::stockroom_api.new_alert
          from stockroom_api.double_pairs(_order_ids) p
          join stockroom.orders e on e.id = p.earlier
          join stockroom.orders l on l.id = p.later
         where not exists (select from stockroom.alerts a where a.order_id = l.id and a.kind = 'double_payment')
           and not exists (select from stockroom.orders o join stockroom.alerts a on a.order_id = o.id
                            where lower(o.number) = lower(l.number) and a.kind = 'double_payment' and a.resolution = 'Both are right'));
begin
    if cardinality(_found) > 0 then
        perform stockroom_api.open_alerts(_found);
    end if;
end $$;
