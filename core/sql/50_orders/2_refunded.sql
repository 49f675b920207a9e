-- The cases that a refund makes pointless end, say what was refunded, or come back when the refund fails.

-- Whether a refund only released money that was authorised and never captured: until 2025 Stripe recorded one with the capture.
create function stockroom_api.is_release(_kind text, _amount bigint, _refunded_at timestamptz, _order stockroom.orders) returns boolean
    language sql immutable
    return _kind = 'refund' and _order.released > 0 and _amount = _order.released
           and abs(extract(epoch from _refunded_at - _order.paid_at)) <= 120;

-- Open the settled lines of these orders again if their money did not go back in full after all.
create function stockroom_api.reopen_refunded(_order_ids bigint[]) returns void
    language sql as $$
    update stockroom.order_lines l
       set oversold = 0, state = 'failed', cause = case when l.variant_id is null then 'unknown_variant' else 'insufficient_stock' end
     where l.order_id = any (_order_ids) and l.cause = 'refunded'
       and l.order_id <> all (stockroom_api.refunded_in_full(_order_ids));
$$;

-- The cases of these orders about a cart or a double payment.
create function stockroom_api.money_cases(_order_ids bigint[]) returns setof stockroom.alerts
    language sql stable as $$
    select a.* from stockroom.alerts a
     where a.order_id = any (_order_ids) and a.kind in ('unreadable_cart', 'amount_mismatch', 'double_payment')
    union
    select a.* from stockroom.alerts a
     where a.kind = 'double_payment' and (a.facts -> 'first' ->> 'order_id')::bigint = any (_order_ids);
$$;

-- End the cases about a cart or a double payment of orders whose whole money went back, and bring them back if it did not.
create function stockroom_api.follow_money(_order_ids bigint[]) returns void
    language plpgsql as $$
declare
    _why text := 'The order was refunded in full';
    _one text := 'One of the two was refunded in full';
    _full bigint[] := stockroom_api.refunded_in_full(_order_ids);
begin
    perform stockroom_api.resolve_cause(c.cause, 'Stockroom', case c.kind when 'double_payment' then _one else _why end)
       from stockroom_api.money_cases(_full) c where c.state <> 'resolved';
    perform stockroom_api.open_alerts(array(
        select row (c.kind, c.severity, c.cause, c.sentence, c.facts, c.order_id, c.refund_id, c.variant_id, c.event_id, c.units,
                    c.money, c.currency)::stockroom_api.new_alert
          from (select distinct on (m.cause) m.* from stockroom_api.money_cases(_order_ids) m order by m.cause, m.id desc) c
         where cardinality(stockroom_api.refunded_in_full(array[c.order_id, (c.facts -> 'first' ->> 'order_id')::bigint])) = 0
           and c.state = 'resolved' and c.resolved_by = 'Stockroom'
           and c.resolution in (_why, _one)));
    update stockroom.alerts a
       set sentence = left(case when right(a.sentence, length(a.facts ->> 'refunded')) = a.facts ->> 'refunded'
                                then left(a.sentence, -length(a.facts ->> 'refunded')) else a.sentence end || q.said, 1000),
           facts = a.facts || jsonb_build_object('refunded', q.said)
      from stockroom.orders o
     cross join lateral (select stockroom_api.refund_question(o.id) as said) q
     where o.id = any (_order_ids) and a.cause = 'cart:' || o.payment_id and a.state <> 'resolved'
       and coalesce(a.facts ->> 'refunded', '') <> q.said;
end $$;
