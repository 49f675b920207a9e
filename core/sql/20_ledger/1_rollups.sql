-- The rollup of the ledger by variant and day. It is written with the movements, so it is always exact and needs no job.

-- Units in and out by type, and the net change, for each variant and day among the lines.
create function stockroom_api.days_of(_lines stockroom.line[])
    returns table (variant_id uuid, day date, purchase_in bigint, purchase_out bigint, sale_in bigint, sale_out bigint,
        restoration_in bigint, restoration_out bigint, adjustment_in bigint, adjustment_out bigint,
        count_in bigint, count_out bigint, movements bigint, net bigint)
    language sql stable as $$
    select l.variant_id, stockroom_api.day_at(coalesce(l.occurred_at, now()), s.zone) as day,
           coalesce(sum(l.quantity) filter (where l.movement_type = 'purchase' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'purchase' and l.quantity < 0), 0),
           coalesce(sum(l.quantity) filter (where l.movement_type = 'sale' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'sale' and l.quantity < 0), 0),
           coalesce(sum(l.quantity) filter (where l.movement_type = 'restoration' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'restoration' and l.quantity < 0), 0),
           coalesce(sum(l.quantity) filter (where l.movement_type = 'adjustment' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'adjustment' and l.quantity < 0), 0),
           coalesce(sum(l.quantity) filter (where l.movement_type = 'count' and l.quantity > 0), 0),
           coalesce(sum(-l.quantity) filter (where l.movement_type = 'count' and l.quantity < 0), 0),
           count(*), sum(l.quantity)
      from unnest(_lines) l
     cross join stockroom.shop s
     group by 1, 2;
$$;

-- The rollup row of a single line, for a day that ends at the level `_closing`.
create function stockroom_api.day_of(_line stockroom.line, _day date, _closing int) returns stockroom.variant_days
    language sql immutable
    return row (_line.variant_id, _day,
        case when _line.movement_type = 'purchase' then greatest(_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'purchase' then greatest(-_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'sale' then greatest(_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'sale' then greatest(-_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'restoration' then greatest(_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'restoration' then greatest(-_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'adjustment' then greatest(_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'adjustment' then greatest(-_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'count' then greatest(_line.quantity, 0) else 0 end,
        case when _line.movement_type = 'count' then greatest(-_line.quantity, 0) else 0 end,
        1, _closing)::stockroom.variant_days;

-- Add a single line of now to the rollup, under the lock of its variant. As in every write of the rollup, the statement reads the time
-- zone itself: while another transaction changes the zone, it waits for the rollup before it reads.
create function stockroom_api.roll_up_one(_variant_id uuid, _type text, _quantity int, _closing int) returns void
    language plpgsql as $$
begin
    insert into stockroom.variant_days as d
    select (stockroom_api.day_of(row (_variant_id, _type, null, _quantity, null, null, null, null, null)::stockroom.line,
                                 stockroom_api.day_at(now(), s.zone), _closing)).*
      from stockroom.shop s
    on conflict (variant_id, day) do update
       set purchase_in = d.purchase_in + excluded.purchase_in, purchase_out = d.purchase_out + excluded.purchase_out,
           sale_in = d.sale_in + excluded.sale_in, sale_out = d.sale_out + excluded.sale_out,
           restoration_in = d.restoration_in + excluded.restoration_in,
           restoration_out = d.restoration_out + excluded.restoration_out,
           adjustment_in = d.adjustment_in + excluded.adjustment_in,
           adjustment_out = d.adjustment_out + excluded.adjustment_out,
           count_in = d.count_in + excluded.count_in, count_out = d.count_out + excluded.count_out,
           movements = d.movements + excluded.movements, closing = excluded.closing;
end $$;

-- Add the lines to the rollup, under the lock of their variants. The closing level of a day is the latest closing level up to
-- that day plus the sum of the lines. Later days are corrected too: after a back-dated line, and when a transaction that began
-- before midnight posts after a younger one.
create function stockroom_api.roll_up(_lines stockroom.line[]) returns void
    language plpgsql as $$
begin
    insert into stockroom.variant_days as d (variant_id, day, purchase_in, purchase_out, sale_in, sale_out, restoration_in,
           restoration_out, adjustment_in, adjustment_out, count_in, count_out, movements, closing)
    select o.variant_id, o.day, o.purchase_in, o.purchase_out, o.sale_in, o.sale_out, o.restoration_in, o.restoration_out,
           o.adjustment_in, o.adjustment_out, o.count_in, o.count_out, o.movements,
           coalesce((select p.closing from stockroom.variant_days p
                      where p.variant_id = o.variant_id and p.day <= o.day order by p.day desc limit 1), 0)
           + sum(o.net) over (partition by o.variant_id order by o.day)
      from stockroom_api.days_of(_lines) o
    on conflict (variant_id, day) do update
       set purchase_in = d.purchase_in + excluded.purchase_in, purchase_out = d.purchase_out + excluded.purchase_out,
           sale_in = d.sale_in + excluded.sale_in, sale_out = d.sale_out + excluded.sale_out,
           restoration_in = d.restoration_in + excluded.restoration_in,
           restoration_out = d.restoration_out + excluded.restoration_out,
           adjustment_in = d.adjustment_in + excluded.adjustment_in,
           adjustment_out = d.adjustment_out + excluded.adjustment_out,
           count_in = d.count_in + excluded.count_in, count_out = d.count_out + excluded.count_out,
           movements = d.movements + excluded.movements, closing = excluded.closing;
    if exists (select from unnest(_lines) l cross join stockroom.shop s
                where stockroom_api.day_at(l.occurred_at, s.zone) <> stockroom_api.day_at(now(), s.zone))
       or exists (select from unnest(_lines) l join stockroom.variant_days d on d.variant_id = l.variant_id
                   where d.day > stockroom_api.shop_day(now())) then
        perform stockroom_api.settle_past(_lines);
    end if;
end $$;

-- Correct what a back-dated line changes besides its own day: later closing levels of its variant, and the shop's sums of that
-- day and month. The shared lock keeps close_days and close_months from storing a sum that could already be outdated.
create function stockroom_api.settle_past(_lines stockroom.line[]) returns void
    language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(hashtext('stockroom.shop_days'));
    delete from stockroom.shop_days
     where day in (select distinct stockroom_api.day_at(l.occurred_at, s.zone)
                     from stockroom.shop s cross join unnest(_lines) l where l.occurred_at is not null);
    delete from stockroom.closed_months
     where month in (select distinct date_trunc('month', stockroom_api.day_at(l.occurred_at, s.zone))::date
                       from stockroom.shop s cross join unnest(_lines) l where l.occurred_at is not null);
    with past as (
        select l.variant_id, stockroom_api.day_at(coalesce(l.occurred_at, now()), s.zone) as day, sum(l.quantity) as net
          from stockroom.shop s cross join unnest(_lines) l group by 1, 2
    ), later as (
        select d.variant_id, d.day, sum(p.net) as net
          from past p
          join stockroom.variant_days d on d.variant_id = p.variant_id and d.day > p.day
         where not exists (select from past same where same.variant_id = d.variant_id and same.day = d.day)
         group by 1, 2
    )
    update stockroom.variant_days d set closing = d.closing + later.net
      from later where d.variant_id = later.variant_id and d.day = later.day;
end $$;

-- The rollup of each variant and day, computed from the movements, to check the stored one.
create view stockroom_api.ledger_days as
select d.*, sum(d.net) over (partition by d.variant_id order by d.day) as closing
  from (select m.variant_id, stockroom_api.day_at(m.occurred_at, s.zone) as day,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'purchase' and m.quantity > 0), 0) as purchase_in,
               coalesce(sum(-m.quantity) filter (where m.movement_type = 'purchase' and m.quantity < 0), 0) as purchase_out,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'sale' and m.quantity > 0), 0) as sale_in,
               coalesce(sum(-m.quantity) filter (where m.movement_type = 'sale' and m.quantity < 0), 0) as sale_out,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'restoration' and m.quantity > 0), 0) as restoration_in,
               coalesce(sum(-m.quantity) filter (where m.movement_type = 'restoration' and m.quantity < 0), 0)
                   as restoration_out,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'adjustment' and m.quantity > 0), 0) as adjustment_in,
               coalesce(sum(-m.quantity) filter (where m.movement_type = 'adjustment' and m.quantity < 0), 0) as adjustment_out,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'count' and m.quantity > 0), 0) as count_in,
               coalesce(sum(-m.quantity) filter (where m.movement_type = 'count' and m.quantity < 0), 0) as count_out,
               count(*) as movements, sum(m.quantity) as net
          from public.stock_movements m
         cross join stockroom.shop s
         group by 1, 2) d;
