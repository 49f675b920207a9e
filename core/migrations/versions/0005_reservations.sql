-- Units held for checkouts. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- A hold on units until `expires_at`, for a cart or payment (`reference`, the storefront's own word). It ends once: consumed by the
-- order it was for, released, or expired.
create table stockroom.reservations (
    id           uuid primary key default gen_random_uuid(),
    reference    text,
    payment_id   text,
    held_by      text not null,
    state        text not null default 'active',
    operation_id bigint not null references stockroom.operations,
    created_at   timestamptz not null default now(),
    expires_at   timestamptz not null,
    ended_at     timestamptz,
    constraint reservations_operation_key unique (operation_id),
    constraint reservations_state_check check (state in ('active', 'consumed', 'released', 'expired')),
    constraint reservations_ended_check check ((state = 'active') = (ended_at is null))
);
create index reservations_active_idx on stockroom.reservations (expires_at) where state = 'active';
create index reservations_payment_idx on stockroom.reservations (payment_id) where payment_id is not null;
create index reservations_reference_idx on stockroom.reservations (reference) where reference is not null;

-- How many units of which variant a hold keeps; product_variants.reserved_quantity is the sum of the active ones.
create table stockroom.reservation_lines (
    reservation_id uuid not null references stockroom.reservations,
    variant_id     uuid not null references public.product_variants,
    quantity       int not null check (quantity > 0),
    primary key (reservation_id, variant_id)
);
create index reservation_lines_variant_idx on stockroom.reservation_lines (variant_id);

-- The hold that a paid order may consume.
alter table stockroom.orders add column reservation_id uuid;
