-- What a payment says was its discount, in minor units; null if it does not say. Refunds and reports give each unit its share.
alter table stockroom.orders add column discount bigint constraint orders_discount_check check (discount >= 0);
