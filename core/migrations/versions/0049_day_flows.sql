-- Which past days are summed in `day_flows`. `basis` is a digest of the currency and of the brands of all products: if one has changed
-- since, the day is summed again. The day goes with its row in `shop_days`, which a back-dated movement deletes. A movement of
-- today touches neither.
create table stockroom.flow_days (
    day   date primary key constraint flow_days_day_fkey references stockroom.shop_days (day) on delete cascade,
    basis text not null
);

-- What moved in the whole shop on a past day, so that a chart reads few rows a day: by type, reason, person and source (`shop`), by
-- brand and type (`brands`), and by all of them (`all`). What a row is not split by is empty, as are the source and the brand of
-- movements without one. A source is the type of a movement's reference. The value is at cost; `uncosted` units moved without a known
-- cost.
create table stockroom.day_flows (
    day           date not null constraint day_flows_day_fkey references stockroom.flow_days (day) on delete cascade,
    split         text not null constraint day_flows_split_check check (split in ('shop', 'brands', 'all')),
    brand         text not null,
    movement_type text not null,
    reason        text not null,
    performed_by  text not null,
    source        text not null,
    units_in      bigint not null,
    units_out     bigint not null,
    value_in      numeric not null,
    value_out     numeric not null,
    uncosted      bigint not null,
    primary key (day, split, brand, movement_type, reason, performed_by, source)
);
