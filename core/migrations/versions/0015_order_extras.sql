-- What was paid beside the goods. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- Shipping and tax less discounts, in minor units, as the importer read them; null where a price of the cart is not known. With it
-- amount - lines x price - extras can be worked out anew, where `difference` only says what it came to on the way in.
alter table stockroom.orders add column extras bigint;

-- Of orders that are here already nobody knows any more what was told: what adds up today is what they are held to from now on.
update stockroom.orders o set extras = o.amount - l.goods - coalesce(o.difference, 0)
  from (select x.order_id, sum(x.quantity * x.unit_price) as goods from stockroom.order_lines x
         group by x.order_id having count(*) = count(x.unit_price)) l
 where l.order_id = o.id and o.cart_state = 'read' and o.amount > 0;
