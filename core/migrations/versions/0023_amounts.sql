-- How far a payment may differ from the prices of its cart: in percent less, for discounts that are not recorded; in percent or in
-- whole units of the currency more, for shipping and tax that are not known. `item_code`: the key of a Stripe product's metadata
-- in which this shop writes its codes, once it was found.
alter table stockroom.stripe_link
    add column paid_less int not null default 30 constraint stripe_link_paid_less_check check (paid_less between 0 and 100),
    add column paid_more int not null default 30 constraint stripe_link_paid_more_check check (paid_more between 0 and 1000),
    add column paid_more_amount int not null default 25
        constraint stripe_link_paid_more_amount_check check (paid_more_amount between 0 and 1000000),
    add column item_code text constraint stripe_link_item_code_check check (length(item_code) between 1 and 40);

-- What the tolerance let through: the amount paid less the prices and the known extras, and the percent that were allowed then.
alter table stockroom.orders add column tolerated bigint, add column tolerance int;
