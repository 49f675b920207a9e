-- A delivery of goods, announced by its supplier (`is_announced`) or begun when it arrived. `revision` grows with each change of its
-- lines, so that a page opened earlier is noticed. `digest` is of the lines as they were announced. `original` is the text that
-- they were read from.
create table stockroom.goods_deliveries (
    id           bigint generated always as identity primary key,
    reference    text not null,
    supplier     text,
    expected_on  date,
    is_announced boolean not null,
    state        text not null,
    revision     int not null default 0,
    digest       bytea,
    original     text,
    created_by   text not null,
    created_at   timestamptz not null default now(),
    closed_by    text,
    closed_at    timestamptz,
    constraint goods_deliveries_reference_check check (length(reference) between 1 and 200),
    constraint goods_deliveries_supplier_check check (length(supplier) between 1 and 200),
    constraint goods_deliveries_original_check check (length(original) <= 2000000),
    constraint goods_deliveries_state_check check (state in ('expected', 'in_progress', 'received', 'cancelled')),
    constraint goods_deliveries_closed_check check ((closed_at is null) = (state in ('expected', 'in_progress')))
);
create index goods_deliveries_open_idx on stockroom.goods_deliveries (expected_on) where state in ('expected', 'in_progress');
create index goods_deliveries_reference_idx on stockroom.goods_deliveries (lower(reference));

-- A line of a delivery: one for each variant, and one for each code that no variant has. `scanned` units are counted and not posted
-- yet; `received` units are posted. `problem` says what could not be read in `original`.
create table stockroom.goods_lines (
    id          bigint generated always as identity primary key,
    delivery_id bigint not null references stockroom.goods_deliveries,
    code        text not null,
    variant_id  uuid references public.product_variants,
    expected    int not null default 0,
    scanned     int not null default 0,
    received    int not null default 0,
    unit_cost   numeric(14, 4),
    original    text,
    problem     text,
    constraint goods_lines_code_check check (length(code) between 1 and 200),
    constraint goods_lines_units_check check (
        least(expected, scanned, received) >= 0 and greatest(expected, scanned, received) <= 100000000),
    constraint goods_lines_cost_check check (unit_cost between 0 and 1000000000),
    constraint goods_lines_unknown_check check (variant_id is not null or received = 0)
);
create index goods_lines_delivery_idx on stockroom.goods_lines (delivery_id);
create unique index goods_lines_variant_key on stockroom.goods_lines (delivery_id, variant_id) where variant_id is not null;
create unique index goods_lines_code_key on stockroom.goods_lines (delivery_id, code) where variant_id is null;
create index goods_lines_variant_idx on stockroom.goods_lines (variant_id) where variant_id is not null;

-- What was done with a delivery, by whom and when; added to, never changed.
create table stockroom.goods_steps (
    id           bigint generated always as identity primary key,
    delivery_id  bigint not null references stockroom.goods_deliveries,
    operation_id bigint not null,
    step         text not null,
    revision     int not null,
    code         text,
    units        int,
    detail       text,
    done_by      text not null,
    done_at      timestamptz not null default now(),
    constraint goods_steps_step_check check (
        step in ('created', 'added', 'scanned', 'changed', 'attached', 'posted', 'undone', 'cancelled', 'reopened'))
);
create index goods_steps_delivery_idx on stockroom.goods_steps (delivery_id, id);
create index goods_steps_operation_idx on stockroom.goods_steps (operation_id);
create trigger goods_steps_append_only
    before update or delete or truncate on stockroom.goods_steps
    for each statement execute function stockroom.keep_audit();

-- The movements that a delivery was posted as, with the lines they are of.
create table stockroom.goods_movements (
    movement_id bigint primary key references public.stock_movements,
    line_id     bigint not null references stockroom.goods_lines
);
create index goods_movements_line_idx on stockroom.goods_movements (line_id);
