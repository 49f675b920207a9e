-- How the shop prices what it sells, its tax, and payments that change with their cart. Run once, as stockroom_owner; correct by
-- adding a revision, never by editing this text.

-- `price_rule` is the price of a variant as a parsed expression, `price_words` the same as an admin wrote it; without both, it is
-- the variant's price, else its product's. `price_doubt` names columns of an adopted shop that may change a price: until the rule
-- is confirmed, no payment is begun. `tax` is added to the price of the goods: none, a rate in percent, or what Stripe computes.
alter table stockroom.shop
    add column price_words text,
    add column price_rule jsonb,
    add column price_doubt text,
    add column tax text not null default 'none' check (tax in ('none', 'rate', 'stripe')),
    add column tax_rate numeric(6, 3) check (tax_rate > 0 and tax_rate < 100),
    add constraint shop_price_check check ((price_words is null) = (price_rule is null)),
    add constraint shop_price_doubt_check check (price_doubt is null or price_rule is null),
    add constraint shop_tax_kind_check check ((tax = 'rate') = (tax_rate is not null));

-- `scope` is the caller whose cart ids these are; of one cart there is one open checkout. `shipping_to` is the buyer's address.
-- `tax` is null until Stripe has computed it. While `changing_until` is in the future, only the request that knows `change_id` may
-- create or change the payment at Stripe; `pending` is what the checkout becomes when Stripe has taken its change.
alter table stockroom.checkouts
    add column scope text,
    add column shipping_to jsonb,
    add column tax bigint default 0 check (tax >= 0),
    add column tax_by text not null default 'none' check (tax_by in ('none', 'rate', 'stripe')),
    add column tax_rate numeric(6, 3),
    add column tax_calculation text,
    add column change_id uuid,
    add column changing_until timestamptz,
    add column pending jsonb,
    add column closed_at timestamptz;
create unique index checkouts_cart_key on stockroom.checkouts (scope, cart_id) where closed_at is null and scope is not null;

-- The requests for a checkout, but for the first: each has its own idempotency key.
create table stockroom.checkout_requests (
    operation_id bigint primary key references stockroom.operations,
    checkout_id  uuid not null references stockroom.checkouts
);
create index checkout_requests_checkout_idx on stockroom.checkout_requests (checkout_id);
