-- An index for the variants that a code of a cart could begin, and the orders whose confirmation waits. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- Finds a SKU in any letter case, and the SKUs that begin with a code.
create index product_variants_sku_prefix_idx on public.product_variants (lower(sku) text_pattern_ops);

-- What the confirmation of an order does while its cart is unread: wait until it is read, or go out without lines.
alter table stockroom.stripe_link add column unread_confirmation text not null default 'wait'
    constraint stripe_link_unread_confirmation_check check (unread_confirmation in ('wait', 'without_lines'));

-- The orders whose confirmation was asked for and waits: for the cart, for the buyer's address, or for both.
create table stockroom.waiting_confirmations (
    order_id bigint primary key references stockroom.orders,
    asked_at timestamptz not null default now()
);
