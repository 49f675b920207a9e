-- Disputes, lost ones as refunds to decide, and states about which two messages of one second disagree. Run once, as
-- stockroom_owner; correct by adding a revision, never by editing this text.

-- A dispute as Stripe reports it. `told_at` is the date of the message that counts, `asked_at` when Stripe was asked. If
-- `is_unclear`, messages do not say which of two states is later, and Stripe has to be asked. `due_by`: until when an answer counts.
create table stockroom.disputes (
    id          bigint generated always as identity primary key,
    dispute_id  text not null,
    order_id    bigint references stockroom.orders,
    payment_id  text,
    charge_id   text,
    amount      bigint not null check (amount >= 0),
    currency    text not null,
    status      text not null,
    reason      text,
    due_by      timestamptz,
    disputed_at timestamptz not null,
    received_at timestamptz not null default now(),
    told_at     timestamptz not null,
    asked_at    timestamptz,
    is_unclear  boolean not null default false,
    constraint disputes_dispute_id_key unique (dispute_id)
);
create index disputes_order_idx on stockroom.disputes (order_id);
create index disputes_unlinked_idx on stockroom.disputes (payment_id, charge_id) where order_id is null;
create index disputes_unclear_idx on stockroom.disputes (id) where is_unclear;

-- A lost dispute is decided like a refund. 'released': money that was never captured, so there is nothing to decide.
alter table stockroom.refunds
    add column kind text not null default 'refund' check (kind in ('refund', 'dispute')),
    add column asked_at timestamptz,
    add column is_unclear boolean not null default false,
    drop constraint refunds_state_check,
    add constraint refunds_state_check check (state in ('waiting', 'inspecting', 'decided', 'failed', 'released'));
create index refunds_unclear_idx on stockroom.refunds (id) where is_unclear;

-- `released`: the part of an authorised amount that was never captured.
alter table stockroom.orders add column released bigint not null default 0 check (released >= 0);

-- An order's open line whose money went back is settled with the cause 'refunded'.
alter table stockroom.order_lines
    drop constraint order_lines_cause_check,
    add constraint order_lines_cause_check check (cause in ('insufficient_stock', 'unknown_variant', 'undone', 'refunded'));

-- The payments of a buyer by time, to find the same cart paid twice.
create index orders_buyer_idx on stockroom.orders (lower(email), paid_at);
create index alerts_first_payment_idx on stockroom.alerts (((facts -> 'first' ->> 'order_id')::bigint)) where kind = 'double_payment';

-- The disputes so far are read once more from their messages.
update stockroom.stripe_events set state = 'new', due_at = now() where kind like 'charge.dispute.%' and state = 'done';
