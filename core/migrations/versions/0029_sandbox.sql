-- The sample shop's own Stripe account. One row, made when the account is first used; a real shop has none.
create table stockroom.sandbox_account (
    only_row       boolean primary key default true check (only_row),
    made           bigint not null default 0,
    webhook_secret text not null default 'whsec_sandbox_' || replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
    webhook_url    text check (length(webhook_url) <= 300)
);

-- Its objects as Stripe would show them, in the order in which they were made. `items`: the lines of a Checkout Session.
-- `delivery`: whether the webhook receives an event.
create table stockroom.sandbox_objects (
    number         bigint primary key,
    id             text not null unique,
    kind           text not null,
    created        bigint not null,
    payment_intent text,
    charge         text,
    items          json,
    delivery       text check (delivery in ('waiting', 'sent', 'lost')),
    body           json not null
);
create index sandbox_objects_kind_idx on stockroom.sandbox_objects (kind, number);
create index sandbox_objects_payment_idx on stockroom.sandbox_objects (payment_intent) where payment_intent is not null;
create index sandbox_objects_charge_idx on stockroom.sandbox_objects (charge) where charge is not null;
create index sandbox_objects_waiting_idx on stockroom.sandbox_objects (number) where delivery = 'waiting';

-- The answers to requests with an idempotency key. A repeated request gets the first answer.
create table stockroom.sandbox_answers (
    key    text primary key,
    params json not null,
    answer text not null,
    at     timestamptz not null default now()
);

-- What people tried on Overview in the sample shop. `facts`: what was made, such as a payment. The rest follows from the inbox,
-- the orders, the cases and the runs of jobs.
create table stockroom.sandbox_tries (
    id       bigint generated always as identity primary key,
    key      text not null unique check (length(key) between 1 and 200),
    what     text not null check (what in ('lost_webhook', 'oversell', 'last_one', 'unread_cart', 'killed_worker')),
    who      text not null,
    begun_at timestamptz not null default now(),
    facts    jsonb not null default '{}'
);
create index sandbox_tries_what_idx on stockroom.sandbox_tries (what, id desc);
