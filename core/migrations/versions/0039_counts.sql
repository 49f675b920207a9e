-- Count sessions: what is to be counted, what people entered, and what became of it.

-- A session in which people count shelves while the shop goes on selling. `scope_value` says in words what the scope covers.
-- `operation_id` is the operation that applied it.
create table stockroom.counts (
    id                 bigint generated always as identity primary key,
    name               text not null check (length(name) between 1 and 80),
    scope              text not null,
    scope_value        text check (length(scope_value) <= 300),
    is_blind           boolean not null,
    state              text not null default 'counting',
    start_operation_id bigint not null unique,
    started_by         text not null,
    started_at         timestamptz not null default now(),
    finished_at        timestamptz,
    ended_by           text,
    ended_at           timestamptz,
    operation_id       bigint unique,
    undone_by          text,
    undone_at          timestamptz,
    constraint counts_scope_check
        check (scope in ('everything', 'brand', 'product', 'size_runs', 'list', 'not_counted', 'most_valuable')),
    constraint counts_state_check check (state in ('counting', 'paused', 'review', 'applied', 'cancelled', 'undone')),
    constraint counts_applied_check check ((operation_id is not null) = (state in ('applied', 'undone')))
);
create index counts_open_idx on stockroom.counts (id) where state in ('counting', 'paused', 'review');

-- One variant of a session. `place` is its position on the sheet; an extra line was counted though it is not in the scope. A
-- recount begins a new round: only entries of the present round count. `answer`: whose number counts if people disagree, -1 for
-- the sum. `is_accepted`: a person has looked at the question about this line. The last columns are written when it is applied.
create table stockroom.count_lines (
    count_id       bigint not null references stockroom.counts,
    variant_id     uuid not null references public.product_variants,
    place          int not null,
    is_extra       boolean not null default false,
    round          int not null default 1,
    answer         bigint,
    is_accepted    boolean not null default false,
    decided_by     text,
    approved_by    text,
    approved_units int,
    expected       int,
    counted        int,
    posted         int,
    missing        int,
    unit_value     numeric,
    valued_by      text check (valued_by in ('cost', 'price')),
    counted_at     timestamptz,
    counted_by     text,
    primary key (count_id, variant_id)
);
create index count_lines_variant_idx on stockroom.count_lines (variant_id);

-- What a person entered: scanned units are added to what this person has counted, a typed number replaces it. `zero`: a line
-- that nobody counted was set to zero on request. Rows are only added.
create table stockroom.count_entries (
    id           bigint generated always as identity primary key,
    count_id     bigint not null,
    variant_id   uuid not null,
    round        int not null,
    kind         text not null,
    units        int not null,
    user_id      bigint references stockroom.users,
    performed_by text not null,
    counted_at   timestamptz not null,
    recorded_at  timestamptz not null default clock_timestamp(),
    key          text not null check (length(key) between 1 and 200),
    constraint count_entries_key_key unique (key),
    constraint count_entries_kind_check check (kind in ('scan', 'typed', 'zero')),
    constraint count_entries_line_fkey foreign key (count_id, variant_id) references stockroom.count_lines
);
create index count_entries_line_idx on stockroom.count_entries (count_id, variant_id, round);
create trigger count_entries_append_only
    before update or delete or truncate on stockroom.count_entries
    for each statement execute function stockroom.keep_audit();

-- Which variances need a second person, and how often each class of the plan is counted. Null is no limit. Class A has the most
-- valuable variants, up to `a_share` percent of the value on hand.
create table stockroom.count_rules (
    only_row    boolean primary key default true check (only_row),
    limit_units int check (limit_units >= 0),
    limit_money numeric(14, 2) check (limit_money >= 0),
    a_days      int not null default 30 check (a_days between 1 and 3650),
    b_days      int not null default 90 check (b_days between 1 and 3650),
    c_days      int not null default 180 check (c_days between 1 and 3650),
    a_share     int not null default 80 check (a_share between 1 and 99),
    b_share     int not null default 15 check (b_share between 0 and 99),
    constraint count_rules_share_check check (a_share + b_share <= 100)
);
insert into stockroom.count_rules default values;

-- The holds that an operation gave up, because fewer units were counted than were held, and of which variant.
create table stockroom.holds_given_up (
    operation_id   bigint not null,
    reservation_id uuid not null references stockroom.reservations,
    variant_id     uuid not null references public.product_variants,
    units          int not null,
    primary key (operation_id, reservation_id)
);
create index holds_given_up_reservation_idx on stockroom.holds_given_up (reservation_id);
create trigger holds_given_up_append_only
    before update or delete or truncate on stockroom.holds_given_up
    for each statement execute function stockroom.keep_audit();
