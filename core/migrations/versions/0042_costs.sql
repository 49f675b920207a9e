-- The average cost of a variant from one moment on, in whole units of the shop's currency; null is unknown. A step belongs to the
-- movement with this number (place 0), or comes after it (places 1, 2, ...). `unit_cost` is what the units of the movement cost, or
-- what was set; null is the average itself. `on_hand` is the level after the step, `digits` those of the currency at that time.
create table stockroom.cost_steps (
    variant_id   uuid not null,
    sequence     int not null,
    place        int not null,
    kind         text not null,
    source       text not null,
    unit_cost    numeric(14, 4),
    average      numeric,
    on_hand      int not null,
    digits       int not null,
    operation_id bigint,
    performed_by text not null,
    note         text,
    at           timestamptz not null default now(),
    primary key (variant_id, sequence, place),
    constraint cost_steps_place_check check (place >= 0 and (place = 0) = (kind <> 'set')),
    constraint cost_steps_kind_check check (kind in ('received', 'undone', 'set')),
    constraint cost_steps_source_check check (source in ('given', 'catalogue', 'average', 'earlier')),
    constraint cost_steps_cost_check check (unit_cost >= 0 and unit_cost <= 1000000000),
    constraint cost_steps_average_check check (average >= 0),
    constraint cost_steps_note_check check (length(note) <= 1000)
);
create index cost_steps_set_idx on stockroom.cost_steps (at) where kind = 'set';
create index cost_steps_operation_idx on stockroom.cost_steps (operation_id) where kind = 'set';
create trigger cost_steps_append_only
    before update or delete or truncate on stockroom.cost_steps
    for each statement execute function stockroom.keep_audit();

-- What came before: every movement so far is valued at the cost in the catalogue, or at the average of the deliveries' lines. The
-- second step says up to which movement.
insert into stockroom.cost_steps (variant_id, sequence, place, kind, source, unit_cost, average, on_hand, digits, performed_by, at)
select v.id, n.sequence, 1, 'set', 'earlier', c.unit_cost, trim_scale(c.unit_cost), n.on_hand,
       case when upper(s.currency) in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF',
                                       'XOF', 'XPF') then 0
            when upper(s.currency) in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 3
            else 2 end, 'Stockroom', coalesce(n.at, now())
  from public.product_variants v
 cross join stockroom.shop s
  left join (select l.variant_id, round(sum(l.unit_cost * l.received) / sum(l.received), 4) as unit_cost
               from stockroom.goods_lines l where l.received > 0 and l.unit_cost is not null group by 1) g on g.variant_id = v.id
 cross join lateral (values (0, 0, v.created_at), (v.movement_sequence, v.stock_quantity, now())) n (sequence, on_hand, at)
 cross join lateral (select coalesce(v.unit_cost::numeric, g.unit_cost) as unit_cost) c
 where c.unit_cost is not null and v.movement_sequence > 0;

-- Units and money of each variant in months that are over, by type and reason; an undo counts for the reason that it reverses.
-- A movement into such a month deletes the month, and the next reader sums it again. The type `cost` has what changed in value
-- without a movement. `uncosted` units moved without a known cost.
create table stockroom.value_months (
    month         date not null,
    variant_id    uuid not null,
    movement_type text not null,
    reason        text not null,
    units_in      bigint not null,
    units_out     bigint not null,
    value         numeric not null,
    uncosted      bigint not null,
    primary key (month, variant_id, movement_type, reason)
);

-- The months that are summed in value_months.
create table stockroom.closed_months (month date primary key);
