-- Payments begun by us, and the mails that confirm orders. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- A cart that a storefront wants paid, as it was priced when it was first asked for: whoever asks again with its key gets the
-- same payment. `reservation_id` is its latest hold, `holds` how many it has had; `payment_id` is set once Stripe knows it.
create table stockroom.checkouts (
    id             uuid primary key default gen_random_uuid(),
    operation_id   bigint not null references stockroom.operations,
    cart_id        text,
    items          jsonb not null,
    lines          jsonb not null,
    currency       text not null,
    shipping       bigint not null,
    amount         bigint not null,
    ttl_seconds    int not null,
    held_by        text not null,
    holds          int not null default 0,
    reservation_id uuid references stockroom.reservations,
    payment_id     text,
    begun_at       timestamptz not null default now(),
    constraint checkouts_operation_key unique (operation_id),
    constraint checkouts_payment_key unique (payment_id),
    constraint checkouts_amount_check check (shipping >= 0 and amount >= shipping)
);
create index checkouts_reservation_idx on stockroom.checkouts (reservation_id);
