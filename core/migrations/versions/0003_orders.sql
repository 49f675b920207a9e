-- What Stripe told us, the orders it became, refunds, and the cases people finish. Run once, as stockroom_owner; correct by
-- adding a revision, never by editing this text. Money is in the currency's minor units, as Stripe gives it.

-- ---------------------------------------------------------------- what Stripe told

-- The inbox: each event as it came, stored before and outside its processing. What a range import read in place of an event
-- stands here, too, under an id of its own, so all three ways in meet here. `due_at` is also the claim: who takes a row moves it on.
create table stockroom.stripe_events (
    id          bigint generated always as identity primary key,
    event_id    text not null,
    kind        text not null,
    object_id   text,
    payment_id  text,
    created_at  timestamptz not null,
    received_at timestamptz not null default now(),
    source      text not null,
    livemode    boolean not null,
    account     text,
    api_version text,
    body        text not null,
    policy      text,
    state       text not null default 'new',
    why         text,
    attempts    int not null default 0,
    due_at      timestamptz not null default now(),
    finished_at timestamptz,
    constraint stripe_events_event_id_key unique (event_id),
    constraint stripe_events_source_check check (source in ('webhook', 'poll', 'import')),
    constraint stripe_events_state_check check (state in ('new', 'done', 'ignored', 'parked')),
    constraint stripe_events_policy_check check (policy in ('normal', 'skip', 'force'))
);
create index stripe_events_due_idx on stockroom.stripe_events (due_at, created_at, id) where state = 'new';
create index stripe_events_waiting_idx on stockroom.stripe_events (state, received_at) where state in ('new', 'parked');
create index stripe_events_payment_idx on stockroom.stripe_events (payment_id) where payment_id is not null;
create index stripe_events_received_idx on stockroom.stripe_events (received_at);

-- How the shop and Stripe are connected: one row. `cursor` is the newest event the poll has stored; it moves only with it.
create table stockroom.stripe_link (
    only_row     boolean primary key default true check (only_row),
    live_since   timestamptz,
    livemode     boolean,
    cursor       text,
    polled_at    timestamptz,
    cart_mapping jsonb,
    order_lookup jsonb
);
insert into stockroom.stripe_link default values;

-- Old or foreign names of goods: what a cart may call a variant.
create table stockroom.sku_aliases (
    code       text primary key check (length(code) between 1 and 200),
    variant_id uuid not null references public.product_variants,
    added_by   text not null,
    added_at   timestamptz not null default now()
);

-- ---------------------------------------------------------------- orders

-- A paid sale, once, keyed by its PaymentIntent; by its charge or session where it has none.
create table stockroom.orders (
    id           bigint generated always as identity primary key,
    payment_id   text not null,
    number       text,
    charge_id    text,
    session_id   text,
    email        text,
    name         text,
    amount       bigint not null check (amount >= 0),
    currency     text not null,
    paid_at      timestamptz not null,
    livemode     boolean not null,
    policy       text not null,
    cart_state   text not null,
    cart_source  text,
    cart_raw     text,
    difference   bigint,
    dispute      text,
    imported_at  timestamptz not null default now(),
    constraint orders_payment_id_key unique (payment_id),
    constraint orders_policy_check check (policy in ('normal', 'skip', 'force')),
    constraint orders_cart_state_check check (cart_state in ('read', 'unreadable', 'absent', 'elsewhere'))
);
create index orders_paid_idx on stockroom.orders (paid_at desc, id desc);
create index orders_email_idx on stockroom.orders (lower(email) text_pattern_ops);
create index orders_number_idx on stockroom.orders (lower(number) text_pattern_ops);
create index orders_charge_idx on stockroom.orders (charge_id text_pattern_ops);
create index orders_session_idx on stockroom.orders (session_id text_pattern_ops);
create index orders_payment_idx on stockroom.orders (payment_id text_pattern_ops);

-- A line of an order. `taken` units left the shelf, `oversold` were paid for and will not come from it; `restored` came back.
-- A line is open while its state is 'failed': some units are neither taken nor oversold.
create table stockroom.order_lines (
    id         bigint generated always as identity primary key,
    order_id   bigint not null references stockroom.orders,
    position   int not null,
    code       text not null,
    codes      text[] not null default '{}',
    size       text,
    name       text,
    unit_price bigint,
    quantity   int not null,
    variant_id uuid references public.product_variants,
    state      text not null,
    cause      text,
    taken      int not null default 0,
    oversold   int not null default 0,
    restored   int not null default 0,
    constraint order_lines_position_key unique (order_id, position),
    constraint order_lines_units_check check (quantity > 0 and taken >= 0 and oversold >= 0 and taken + oversold <= quantity),
    constraint order_lines_restored_check check (restored between 0 and taken),
    constraint order_lines_state_check check (state in ('taken', 'failed', 'skipped', 'resolved')),
    constraint order_lines_cause_check check (cause in ('insufficient_stock', 'unknown_variant', 'undone'))
);
create index order_lines_code_idx on stockroom.order_lines (lower(code));
create index order_lines_variant_idx on stockroom.order_lines (variant_id);
create index order_lines_failed_idx on stockroom.order_lines (order_id) where state = 'failed';

-- Which movements belong to which line: a sale, what was restored of it, and what was undone.
create table stockroom.order_line_movements (
    movement_id bigint primary key references public.stock_movements,
    line_id     bigint not null references stockroom.order_lines
);
create index order_line_movements_line_idx on stockroom.order_line_movements (line_id);

-- ---------------------------------------------------------------- refunds

-- A refund as Stripe told it last, and whether a person has said what became of the goods. Of an order, once that is known.
create table stockroom.refunds (
    id             bigint generated always as identity primary key,
    refund_id      text not null,
    order_id       bigint references stockroom.orders,
    payment_id     text,
    charge_id      text,
    amount         bigint not null check (amount >= 0),
    currency       text not null,
    status         text not null,
    reason         text,
    failure_reason text,
    refunded_at    timestamptz not null,
    received_at    timestamptz not null default now(),
    told_at        timestamptz not null,
    state          text not null default 'waiting',
    decided_at     timestamptz,
    decided_by     text,
    constraint refunds_refund_id_key unique (refund_id),
    constraint refunds_state_check check (state in ('waiting', 'inspecting', 'decided', 'failed'))
);
create index refunds_state_idx on stockroom.refunds (state, refunded_at desc);
create index refunds_refund_idx on stockroom.refunds (refund_id text_pattern_ops);
create index refunds_order_idx on stockroom.refunds (order_id);
create index refunds_unlinked_idx on stockroom.refunds (payment_id, charge_id) where order_id is null;

-- What a person said of refunded units, line by line; added to, never changed. Only 'restock' moved stock.
create table stockroom.refund_decisions (
    id           bigint generated always as identity primary key,
    refund_id    bigint not null references stockroom.refunds,
    line_id      bigint references stockroom.order_lines,
    disposition  text not null,
    quantity     int not null check (quantity >= 0),
    note         text,
    operation_id bigint not null references stockroom.operations,
    movement_id  bigint references public.stock_movements,
    decided_by   text not null,
    decided_at   timestamptz not null default now(),
    constraint refund_decisions_disposition_check
        check (disposition in ('restock', 'damaged', 'not_returned', 'goodwill', 'inspect'))
);
create index refund_decisions_refund_idx on stockroom.refund_decisions (refund_id);
create index refund_decisions_line_idx on stockroom.refund_decisions (line_id);

-- ---------------------------------------------------------------- alerts

-- A case: something needs a person. One for each cause while it is open; a repeat raises `seen`.
create table stockroom.alerts (
    id          bigint generated always as identity primary key,
    kind        text not null,
    severity    text not null,
    state       text not null default 'open',
    cause       text not null,
    sentence    text not null,
    facts       jsonb not null default '{}',
    order_id    bigint references stockroom.orders,
    refund_id   bigint references stockroom.refunds,
    variant_id  uuid references public.product_variants,
    event_id    bigint references stockroom.stripe_events,
    units       int not null default 0,
    money       bigint not null default 0,
    currency    text,
    seen        int not null default 1,
    attempts    int not null default 0,
    first_at    timestamptz not null default now(),
    last_at     timestamptz not null default now(),
    resolved_at timestamptz,
    resolved_by text,
    resolution  text,
    constraint alerts_state_check check (state in ('open', 'acknowledged', 'resolved')),
    constraint alerts_severity_check check (severity in ('urgent', 'warning', 'note')),
    constraint alerts_kind_check check (kind in ('insufficient_stock', 'unknown_variant', 'unreadable_cart', 'amount_mismatch',
        'import_error', 'refund_failed', 'low_stock', 'out_of_stock', 'proof_failed', 'job_stalled', 'bad_signature',
        'backup_failed')),
    constraint alerts_resolved_check check ((state = 'resolved') = (resolved_at is not null))
);
create unique index alerts_cause_key on stockroom.alerts (cause) where state <> 'resolved';
create index alerts_state_idx on stockroom.alerts (state, last_at desc);
create index alerts_order_idx on stockroom.alerts (order_id);

-- What happened to a case, in order: `what` is a word of core/alerts.py.
create table stockroom.alert_history (
    id       bigint generated always as identity primary key,
    alert_id bigint not null references stockroom.alerts,
    at       timestamptz not null default now(),
    who      text not null,
    what     text not null check (what ~ '^[a-z_]{1,40}$'),
    note     text
);
create index alert_history_alert_idx on stockroom.alert_history (alert_id, id);

-- A price of Stripe names a variant; so may a barcode.
create index product_variants_price_idx on public.product_variants (stripe_price_id) where stripe_price_id is not null;
create trigger refund_decisions_append_only
    before update or delete or truncate on stockroom.refund_decisions
    for each statement execute function stockroom.keep_audit();
create trigger alert_history_append_only
    before update or delete or truncate on stockroom.alert_history
    for each statement execute function stockroom.keep_audit();
