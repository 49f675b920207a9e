-- The first release's tables. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- ---------------------------------------------------------------- the shop and its people

-- The one row that says whose shop this is; days are bucketed in its time zone.
create table stockroom.shop (
    only_row   boolean primary key default true check (only_row),
    name       text not null default 'My shop' check (length(name) between 1 and 80),
    zone       text not null default 'UTC',
    currency   text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
    is_sample  boolean not null default false,
    created_at timestamptz not null default now()
);
insert into stockroom.shop default values;

-- The accounts. A role decides what a person may do; core/access.py says which role may do what.
create table stockroom.users (
    id            bigint generated always as identity primary key,
    email         text not null check (email = lower(email) and length(email) between 3 and 254),
    name          text not null check (length(name) between 1 and 80),
    role          text not null check (role in ('warehouse', 'support', 'manager', 'admin')),
    password_hash text,
    is_active     boolean not null default true,
    created_at    timestamptz not null default now(),
    constraint users_email_key unique (email)
);

-- Signed-in browsers. Only the hash of the token is kept, so a copy of this table signs nobody in.
create table stockroom.sessions (
    id         bigint generated always as identity primary key,
    user_id    bigint not null references stockroom.users,
    token_hash bytea not null unique,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    user_agent text
);
create index sessions_user_idx on stockroom.sessions (user_id);

-- One-time links: the first start, and an admin's invitation.
create table stockroom.sign_in_links (
    token_hash bytea primary key,
    user_id    bigint not null references stockroom.users,
    created_at timestamptz not null default now(),
    expires_at timestamptz not null,
    used_at    timestamptz
);

-- What the rate limit counts.
create table stockroom.sign_in_attempts (
    id        bigint generated always as identity primary key,
    email     text not null,
    address   text not null,
    at        timestamptz not null default now(),
    succeeded boolean not null
);
create index sign_in_attempts_email_idx on stockroom.sign_in_attempts (email, at);
create index sign_in_attempts_address_idx on stockroom.sign_in_attempts (address, at);

-- ---------------------------------------------------------------- the catalogue (the storefront's contract)

-- The model, as the storefront shows it; its variants are what is counted.
create table public.products (
    id         uuid primary key default gen_random_uuid(),
    name       text not null check (length(name) between 1 and 300),
    brand      text,
    image_url  text,
    price      numeric(12, 2) check (price >= 0),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
create index products_name_idx on public.products (name);

-- The counted thing. Level, sequence and chain head sit on one row, so one row lock guards them and one write moves them.
create table public.product_variants (
    id                       uuid primary key default gen_random_uuid(),
    product_id               uuid not null references public.products,
    sku                      text not null check (length(sku) between 1 and 80),
    barcode                  text,
    size                     text,
    color                    text,
    price                    numeric(12, 2),
    unit_cost                numeric(12, 2),
    stock_quantity           int not null default 0,
    reserved_quantity        int not null default 0,
    computed_available_stock int generated always as (stock_quantity - reserved_quantity) stored,
    reorder_point            int not null default 0,
    stripe_price_id          text,
    is_active                boolean not null default true,
    movement_sequence        int not null default 0,
    chain_head               bytea,
    last_moved_at            timestamptz,
    last_counted_at          timestamptz,
    created_at               timestamptz not null default now(),
    updated_at               timestamptz not null default now(),
    constraint product_variants_sku_key unique (sku),
    constraint product_variants_stock_quantity_check check (stock_quantity >= 0),
    constraint product_variants_reserved_quantity_check check (reserved_quantity between 0 and stock_quantity),
    constraint product_variants_amounts_check check (least(price, unit_cost, reorder_point) >= 0)
) with (fillfactor = 70);  -- room for heap-only updates: no index covers what a movement changes
create index product_variants_product_idx on public.product_variants (product_id);
create index product_variants_barcode_idx on public.product_variants (barcode) where barcode is not null;

-- ---------------------------------------------------------------- reasons and operations

-- Why a movement may happen. `sign` fixes the direction: 1 in, -1 out, 0 either.
create table stockroom.reasons (
    movement_type text not null,
    reason        text not null check (reason ~ '^[a-z][a-z0-9_]{1,39}$'),
    label         text not null check (length(label) between 1 and 60),
    sign          int not null check (sign in (-1, 0, 1)),
    note_required boolean not null default false,
    by_hand       boolean not null default true,
    is_active     boolean not null default true,
    primary key (movement_type, reason),
    constraint reasons_movement_type_check
        check (movement_type in ('purchase', 'sale', 'restoration', 'adjustment', 'count'))
);
insert into stockroom.reasons (movement_type, reason, label, sign, note_required, by_hand) values
    ('purchase', 'initial_purchase', 'Initial stock purchase', 1, false, true),
    ('purchase', 'delivery', 'Delivery', 1, false, true),
    ('purchase', 'supplier_return', 'Returned to supplier', -1, false, true),
    ('sale', 'stock_decrease', 'Paid order', -1, false, false),
    ('sale', 'forced', 'Forced sale', -1, true, false),
    ('restoration', 'refund', 'Refund, back on shelf', 1, false, false),
    ('restoration', 'cancelled_unshipped', 'Cancelled before shipping', 1, false, false),
    ('restoration', 'exchange', 'Exchange', 1, false, false),
    ('adjustment', 'stock_increase', 'Stock increase', 1, false, true),
    ('adjustment', 'stock_decrease', 'Stock decrease', -1, false, true),
    ('adjustment', 'found', 'Found', 1, true, true),
    ('adjustment', 'damaged', 'Damaged', -1, false, true),
    ('adjustment', 'lost', 'Lost', -1, true, true),
    ('adjustment', 'theft', 'Theft', -1, true, true),
    ('adjustment', 'sample', 'Sample', -1, false, true),
    ('adjustment', 'donation', 'Donation', -1, false, true),
    ('adjustment', 'correction', 'Correction', 0, true, true),
    ('count', 'initial_count', 'Initial stock count', 0, false, true),
    ('count', 'cycle_count', 'Cycle count', 0, false, true),
    ('count', 'full_count', 'Full count', 0, false, true),
    ('purchase', 'undo', 'Undo', 0, true, false),
    ('sale', 'undo', 'Undo', 0, true, false),
    ('restoration', 'undo', 'Undo', 0, true, false),
    ('adjustment', 'undo', 'Undo', 0, true, false),
    ('count', 'undo', 'Undo', 0, true, false);

-- One intent with one key: what makes a repeat harmless. Written by stockroom_api.claim_operation alone and never changed, so
-- movements need no foreign key on it, which each of them would pay for.
create table stockroom.operations (
    id           bigint generated always as identity primary key,
    key          text not null,
    kind         text not null,
    fingerprint  bytea not null,
    user_id      bigint,
    performed_by text not null,
    created_at   timestamptz not null default now(),
    constraint operations_key_key unique (key)
);

-- ---------------------------------------------------------------- the ledger

-- One line of an operation on its way into the ledger.
create type stockroom.line as (
    variant_id     uuid,
    movement_type  text,
    reason         text,
    quantity       int,
    occurred_at    timestamptz,
    reference_type text,
    reference_id   text,
    reverses_id    bigint,
    note           text
);

-- The ledger: every unit that came, went or was corrected. Rows are added by stockroom_api.post_lines and never changed.
-- Few CHECKs, of several terms each: PostgreSQL reads the text of each one anew in every statement.
create table public.stock_movements (
    id               bigint generated always as identity primary key,
    variant_id       uuid not null references public.product_variants,
    sku              text not null,
    movement_type    text not null,
    reason           text not null,
    quantity         int not null,
    quantity_before  int not null,
    quantity_after   int not null,
    variant_sequence int not null,
    operation_id     bigint not null,
    reference_type   text,
    reference_id     text,
    reverses_id      bigint,
    performed_by     text not null,
    note             text check (length(note) <= 1000),
    occurred_at      timestamptz not null,
    created_at       timestamptz not null default now(),
    chain_hash       bytea not null,
    constraint stock_movements_arithmetic_check
        check (quantity_after = quantity_before + quantity and quantity_after >= 0 and (quantity <> 0 or movement_type = 'count')),
    constraint stock_movements_type_check
        check (movement_type in ('purchase', 'sale', 'restoration', 'adjustment', 'count')),
    -- With the type in it, this index alone finds the rare type among a variant's many movements.
    constraint stock_movements_sequence_key unique (variant_id, variant_sequence) include (movement_type)
);
-- An undo is linked once; partial, because almost no movement is one.
create unique index stock_movements_reverses_key on public.stock_movements (reverses_id) where reverses_id is not null;
-- The Movements page: newest first, alone and behind each of its filters. Keyset paging needs (occurred_at, id) at the end.
create index stock_movements_newest_idx on public.stock_movements (occurred_at, id);
create index stock_movements_type_idx on public.stock_movements (movement_type, occurred_at, id);
create index stock_movements_reason_idx on public.stock_movements (reason, occurred_at, id);
create index stock_movements_person_idx on public.stock_movements (performed_by, occurred_at, id);
create index stock_movements_reference_idx on public.stock_movements (reference_id text_pattern_ops)
    where reference_id is not null;
create index stock_movements_operation_idx on public.stock_movements (operation_id);

-- A text of known length, so that no two different rows can run together into the same canonical text.
create function stockroom.netstring(_text text) returns text
    language sql immutable parallel safe
    return coalesce(octet_length(_text)::text || ':' || _text, '-');

-- Microseconds since 1970: a moment without a zone, a format or a setting.
create function stockroom.microseconds(_at timestamptz) returns bigint
    language sql immutable parallel safe
    return (extract(epoch from _at - timestamptz '1970-01-01 00:00:00+00') * 1000000)::bigint;

-- The canonical text of a movement: what its hash covers. Frozen: a change here would break every chain written before.
create function stockroom.movement_text(
    _variant_id uuid, _sequence int, _sku text, _type text, _reason text, _quantity int, _before int, _after int,
    _operation_id bigint, _reference_type text, _reference_id text, _reverses_id bigint, _performed_by text, _note text,
    _occurred_at timestamptz, _created_at timestamptz
) returns text
    language sql immutable parallel safe
    return _variant_id::text || '|' || _sequence::text || '|' || _quantity::text || '|' || _before::text || '|'
        || _after::text || '|' || _operation_id::text || '|' || coalesce(_reverses_id::text, '-') || '|'
        || stockroom.microseconds(_occurred_at)::text || '|' || stockroom.microseconds(_created_at)::text || '|'
        || stockroom.netstring(_sku) || stockroom.netstring(_type) || stockroom.netstring(_reason)
        || stockroom.netstring(_reference_type) || stockroom.netstring(_reference_id)
        || stockroom.netstring(_performed_by) || stockroom.netstring(_note);

-- One link of the chain: the hash of the hash before and the row's text. `_head` is where the chain stood.
-- In plpgsql, which keeps its plan; as an aggregate's step a function in SQL would be planned anew in every statement.
create function stockroom.chain_link(_hash bytea, _text text, _head bytea) returns bytea
    language plpgsql immutable parallel safe as $$
begin
    return sha256(coalesce(_hash, _head, ''::bytea) || convert_to(_text, 'UTF8'));
end $$;

-- The chain over a window: each row's hash follows from the one before it.
create aggregate stockroom.chain(text, bytea) (sfunc = stockroom.chain_link, stype = bytea);

-- Says no to every change of a movement, or of the operation it belongs to, whoever asks.
create function stockroom.keep_movements() returns trigger language plpgsql as $$
begin
    raise exception 'A movement cannot be changed or deleted; undo it instead.' using errcode = 'SK011';
end $$;
create trigger stock_movements_append_only
    before update or delete or truncate on public.stock_movements
    for each statement execute function stockroom.keep_movements();
create trigger operations_append_only
    before update or delete or truncate on stockroom.operations
    for each statement execute function stockroom.keep_movements();

-- ---------------------------------------------------------------- rollups, written with the movement itself

-- Units in and out by type, and the closing level, of one variant on one day of the shop. Exact, no job: answers charts,
-- sparklines and "level at a past date".
create table stockroom.variant_days (
    variant_id      uuid not null,
    day             date not null,
    purchase_in     int not null default 0,
    purchase_out    int not null default 0,
    sale_in         int not null default 0,
    sale_out        int not null default 0,
    restoration_in  int not null default 0,
    restoration_out int not null default 0,
    adjustment_in   int not null default 0,
    adjustment_out  int not null default 0,
    count_in        int not null default 0,
    count_out       int not null default 0,
    movements       int not null,
    closing         int not null,
    primary key (variant_id, day)
) with (fillfactor = 80);
create index variant_days_day_idx on stockroom.variant_days (day);

-- The same for the whole shop, only for days that are over; a back-dated movement deletes its day, the next reader sums it anew.
-- Nobody queues here: a movement of today does not touch this table.
create table stockroom.shop_days (
    day             date primary key,
    purchase_in     bigint not null,
    purchase_out    bigint not null,
    sale_in         bigint not null,
    sale_out        bigint not null,
    restoration_in  bigint not null,
    restoration_out bigint not null,
    adjustment_in   bigint not null,
    adjustment_out  bigint not null,
    count_in        bigint not null,
    count_out       bigint not null,
    movements       bigint not null
);

-- ---------------------------------------------------------------- a shop's past on its way in

-- One history file, known by the digest of its content.
create table stockroom.history_imports (
    id             bigint generated always as identity primary key,
    digest         text not null unique,
    file_name      text not null,
    rows_total     int not null,
    rows_staged    int not null default 0,
    operation_id   bigint references stockroom.operations,
    opening_codes  int,
    opening_units  bigint,
    started_at     timestamptz not null default now(),
    finished_at    timestamptz
);

-- Its rows while they wait to be applied; emptied when they are.
create table stockroom.history_rows (
    import_id     bigint not null references stockroom.history_imports,
    line          int not null,
    occurred_at   timestamptz not null,
    sku           text not null,
    movement_type text not null,
    reason        text not null,
    quantity      int not null,
    reference     text,
    name          text,
    primary key (import_id, line)
);

-- Which text of core/sql the database holds; see core/migrate.py.
create table stockroom.sql_text (
    only_row boolean primary key default true check (only_row),
    checksum text not null
);
