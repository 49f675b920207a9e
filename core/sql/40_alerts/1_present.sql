-- Cases as they are now, not as they were when they opened: what is at stake, and the sentence of a message.

-- The price of a variant by the rule of the shop, which is not the price in the catalogue.
create function stockroom_api.ruled_price(_variant_id uuid) returns numeric
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select stockroom_api.price_of(s.price_rule, to_jsonb(v), to_jsonb(p))
      from public.product_variants v
      join public.products p on p.id = v.product_id
     cross join stockroom.shop s
     where v.id = _variant_id;
$$;

-- The lines of orders with their price in minor units: that of the cart, else of the catalogue if the shop has the same currency.
create view stockroom_api.priced_order_lines as
select l.order_id, l.quantity, case l.state when 'failed' then l.quantity - l.taken - l.oversold else 0 end as missing,
       coalesce(l.unit_price, case when s.currency = upper(o.currency) then
           round(case when coalesce(s.price_rule ->> 0, 'price') = 'price' then coalesce(v.price, p.price)
                      else stockroom_api.ruled_price(v.id) end * (select 10::numeric ^ stockroom_api.currency_digits(x.currency) from stockroom.shop x)) end) as price
  from stockroom.order_lines l
  join stockroom.orders o on o.id = l.order_id
  left join public.product_variants v on v.id = l.variant_id
  left join public.products p on p.id = v.product_id
 cross join stockroom.shop s;

-- What each case has at stake: units and money. Of open cases that is what is open now: the missing units of an order, the whole
-- payment where no cart was read, the difference where the amount differs. Of all others it is what was at stake. Missing units
-- without any price count together as what the other lines leave of the payment.
create view stockroom_api.alert_stakes as
select a.id as alert_id, case when w.order_id is null then a.units else l.units end::bigint as units,
       case when w.order_id is not null then l.priced + case when l.is_unpriced then greatest(0, o.amount - l.goods) else 0 end
            when a.state = 'resolved' or a.cause not like 'cart:%' then abs(a.money)
            when o.cart_state <> 'read' then o.amount
            else abs(coalesce(o.difference, a.money)) end::bigint as money
  from stockroom.alerts a
  left join stockroom.orders o on o.id = a.order_id
 cross join lateral (select case when a.state <> 'resolved' and a.kind in ('insufficient_stock', 'unknown_variant') then a.order_id end) w (order_id)
 cross join lateral (
    select coalesce(sum(x.missing), 0) as units, coalesce(sum(x.missing * x.price), 0) as priced,
           coalesce(bool_or(x.missing > 0 and x.price is null), false) as is_unpriced, coalesce(sum(x.quantity * x.price), 0) as goods
      from stockroom_api.priced_order_lines x where x.order_id = w.order_id) l;

-- What the case of a variant that is low or out of stock says about its present level.
create function stockroom_api.level_text(_sku text, _product text, _size text, _on_hand int, _reorder_point int) returns text
    language sql immutable security definer set search_path = pg_catalog, pg_temp
    return concat_ws(' ', _sku || ', ' || _product, 'size ' || _size)
           || case when _on_hand = 0 then ': out of stock' else ': ' || _on_hand || ' on hand' end || ', reorder at ' || _reorder_point;

-- The open lines of an order as messages may contain them: SKUs, and codes that are codes.
create function stockroom_api.told_lines(_order stockroom.orders) returns text
    language sql stable as $$
    select format('%s not taken off the shelf: %s', case count(*) when 1 then '1 line' else count(*) || ' lines' end,
                  string_agg(format('%s × %s', l.quantity - l.taken - l.oversold, coalesce(v.sku,
                      case when stockroom_api.is_code(l.code, _order.name) then l.code end, 'an unknown code')), '; ' order by l.position))
      from stockroom.order_lines l
      left join public.product_variants v on v.id = l.variant_id
     where l.order_id = _order.id and l.state = 'failed';
$$;

-- The sentence of a case as messages may contain it, about the present state. Of texts from outside only numbers and codes are
-- used: a cart, an order number or a Stripe message can contain anything that somebody typed, even a buyer's name.
create function stockroom_api.told_sentence(_case stockroom.alerts) returns text
    language sql stable as $$
    select case
           when _case.kind = 'import_error' then 'A Stripe message could not be processed'
           when _case.kind = 'proof_failed' then split_part(_case.sentence, '; first: ', 1)
           when _case.list = 'levels' then (
               select stockroom_api.level_text(v.sku, p.name, v.size, v.stock_quantity, v.reorder_point)
                 from public.product_variants v join public.products p on p.id = v.product_id where v.id = _case.variant_id)
           when _case.kind = 'dispute' then format('The buyer disputes the payment of %s at the bank%s',
                coalesce('order ' || stockroom_api.order_code(o), 'an unknown order'),
                coalesce('; answer at Stripe by '
                         || to_char(stockroom_api.shop_day((_case.facts ->> 'due_by')::timestamptz), 'FMDD FMMonth YYYY'), ''))
           when o.id is null then _case.sentence
           when _case.kind in ('insufficient_stock', 'unknown_variant') then format('Order %s: %s', stockroom_api.order_code(o), stockroom_api.told_lines(o))
           when _case.kind = 'refund_failed' then
               format('A refund of order %s failed after units were put back for it', stockroom_api.order_code(o))
           else format('Order %s: %s', stockroom_api.order_code(o), case
               when _case.kind = 'double_payment' then 'it looks like a double payment'
               when o.cart_state = 'absent' then 'its cart was not found'
               when _case.kind = 'unreadable_cart' then 'its cart cannot be read'
               when _case.kind = 'amount_mismatch' then 'its lines do not add up to what was paid'
               else 'it needs a person' end) end
      from (select null) only_row
      left join stockroom.orders o on o.id = _case.order_id;
$$;

grant execute on function stockroom_api.ruled_price(uuid), stockroom_api.level_text(text, text, text, int, int)
    to stockroom_app;
