-- The large sample: what was asked for and how far it has been filled. At most one row. `filled` counts whole days, `made` orders.
-- `weights` has the share of the demand of each SKU.
create table stockroom.large_sample (
    only_row    boolean primary key default true check (only_row),
    days        int not null check (days between 1 and 3660),
    orders      int not null check (orders between 1 and 10000000),
    ends_at     timestamptz not null,
    weights     jsonb not null,
    filled      int not null default 0,
    made        int not null default 0,
    began_at    timestamptz not null default now(),
    finished_at timestamptz,
    constraint large_sample_filled_check check (filled between 0 and days)
);

-- The lines of the orders of the days that are filled next. Empty after each part. Unlogged, because a crash undoes the part.
create unlogged table stockroom.large_lines (
    number     int not null,
    position   int not null,
    variant_id uuid not null,
    quantity   int not null,
    price      bigint not null,
    paid_at    timestamptz not null,
    is_unread  boolean not null default false,
    fits       boolean,
    line_id    bigint
);

-- What happens to stock in those days. A step without a variant is an operation that moves nothing.
create unlogged table stockroom.large_steps (
    at             timestamptz not null,
    place          int not null,
    key            text not null,
    kind           text not null,
    person         text not null,
    variant_id     uuid,
    movement_type  text,
    reason         text,
    quantity       int,
    reference_type text,
    reference      text,
    note           text,
    line_id        bigint,
    refund_id      bigint,
    disposition    text
);
