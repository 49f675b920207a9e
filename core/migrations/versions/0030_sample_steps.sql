-- The past of the sample shop while it is played, and what comes after it. Run once, as stockroom_owner; correct by adding a
-- revision, never by editing this text.

-- The steps that are still to be played, in order. Each is deleted in the transaction that plays it.
create table stockroom.sample_steps (
    n    int primary key,
    at   timestamptz not null,
    step jsonb not null
);

-- The orders and refunds that later steps name, by their name in the story.
create table stockroom.sample_names (
    name      text primary key,
    object_id text not null
);

-- The story as a whole: its steps, when it was played to its end, and when the next new order comes. At most one row.
create table stockroom.sample_story (
    only_row      boolean primary key default true check (only_row),
    opened_at     timestamptz not null,
    steps         int not null check (steps >= 0),
    played_at     timestamptz,
    next_order_at timestamptz not null default now()
);
