-- Reads of levels and movements. Views use the terms of the glossary; functions return what a view cannot.

-- The movements of order lines. A line keeps the sale that took it first; later sales, undone ones and restorations are rows of a table.
create view stockroom_api.line_movements as
select l.movement_id, l.id as line_id from stockroom.order_lines l where l.movement_id is not null
union all
select x.movement_id, x.line_id from stockroom.order_line_movements x;

-- The check of every read. Refuses: SK009 if the session has ended, SK010 if the role may not read.
create function stockroom_api.permit(_user_id bigint, _session_id bigint, _roles text[], _name text) returns void
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
end $$;

-- The shop itself, one row.
create view stockroom_api.shop as
select name, zone, currency, is_sample, stockroom_api.day_at(now(), zone) as today from stockroom.shop;

-- The reasons of movements.
create view stockroom_api.reasons as
select movement_type, reason, label, sign, note_required, by_hand, is_active from stockroom.reasons;

-- Every variant with its level: a row of product_variants with its product; nothing is summed. `state` defines low and out of
-- stock. It uses units on hand, not available ones, because a hold lasts only minutes and is no reason to reorder. `picture` is its own,
-- else that of its product. `average_cost` is the present one, null if it is not known.
create view stockroom_api.levels as
select v.id as variant_id, v.product_id, v.sku, v.barcode, p.name as product, p.brand, v.size, v.color, v.price, v.unit_cost,
       v.stock_quantity as on_hand, v.reserved_quantity as reserved, v.computed_available_stock as available, v.reorder_point,
       v.is_active, v.movement_sequence as movement_count, v.last_moved_at, v.last_counted_at,
       case when v.stock_quantity = 0 then 'out' when v.stock_quantity <= v.reorder_point then 'low' else 'healthy' end as state,
       v.shelf_place, coalesce(i.picture, case when p.image_url ~ '^https://[!-~]+$' then p.image_url end) as picture,
       coalesce(n.units, 0) as in_inspection,
       (select k.average from stockroom.cost_steps k where k.variant_id = v.id order by k.sequence desc, k.place desc limit 1) as average_cost
  from public.product_variants v
  join public.products p on p.id = v.product_id
  left join stockroom.variant_pictures i on i.variant_id = v.id
  left join stockroom_api.variant_inspections n on n.variant_id = v.id;

-- The movements as people read them. `reversed_by` is the undo of a movement, if there is one. The keys are foreign keys, so the
-- joins always match; as outer joins, they cost nothing in a query that does not use their columns.
create view stockroom_api.movements as
select m.id as movement_id, m.variant_id, m.sku, p.name as product, p.brand, v.size, m.movement_type, m.reason,
       coalesce(r.label, m.reason) as reason_label, m.quantity, m.quantity_before, m.quantity_after, m.variant_sequence,
       m.operation_id, m.reference_type, m.reference_id, m.reverses_id,
       (select u.id from public.stock_movements u where u.reverses_id = m.id) as reversed_by,
       (select l.order_id from stockroom_api.line_movements x join stockroom.order_lines l on l.id = x.line_id
         where x.movement_id = m.id) as order_id,
       m.performed_by, m.note, m.occurred_at, m.created_at as recorded_at
  from public.stock_movements m
  left join public.product_variants v on v.id = m.variant_id
  left join public.products p on p.id = v.product_id
  left join stockroom.reasons r on r.movement_type = m.movement_type and r.reason = m.reason;

-- The columns by which the ledger is filtered, counted and summed. They come from one table, so that index-only scans are possible.
create view stockroom_api.movement_keys as
select id as movement_id, variant_id, variant_sequence, movement_type, reason, quantity, reference_type, reference_id, performed_by,
       occurred_at
  from public.stock_movements;

-- The rollup: one row for each variant and day with a movement.
create view stockroom_api.variant_days as
select * from stockroom.variant_days;

-- The closing level of a variant on each day from `_first` to `_last`, both included. Days without a movement repeat the level
-- before.
create function stockroom_api.closings(_variant_id uuid, _first date, _last date) returns int[]
    language plpgsql stable as $$
declare
    _level int := coalesce((select d.closing from stockroom.variant_days d
                             where d.variant_id = _variant_id and d.day < _first order by d.day desc limit 1), 0);
    _levels int[] := '{}';
    _day date := _first;
    _next record;
begin
    for _next in select d.day, d.closing from stockroom.variant_days d
                  where d.variant_id = _variant_id and d.day between _first and _last order by d.day loop
        _levels := _levels || array_fill(_level, array[_next.day - _day]);
        _level := _next.closing;
        _day := _next.day;
    end loop;
    return _levels || array_fill(_level, array[_last - _day + 1]);
end $$;

-- The trend of each variant in the `_days` up to and including `_today`: units sold, without undone sales, and its closing levels.
create function stockroom_api.trends(_variant_ids uuid[], _today date, _days int)
    returns table (variant_id uuid, sold bigint, trend int[])
    language sql stable security definer set search_path = pg_catalog, pg_temp
    set plan_cache_mode = force_generic_plan as $$
    select w.id,
           coalesce((select sum(d.sale_out - d.sale_in) from stockroom.variant_days d
                      where d.variant_id = w.id and d.day > _today - _days and d.day <= _today), 0),
           stockroom_api.closings(w.id, _today - _days + 1, _today)
      from unnest(_variant_ids) w (id);
$$;

-- The level of every variant at a past moment: the closing level of the day before plus the movements of the day up to the moment.
create function stockroom_api.levels_at(_at timestamptz)
    returns table (variant_id uuid, sku text, level int)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select v.id, v.sku,
           coalesce((select d.closing from stockroom.variant_days d
                      where d.variant_id = v.id and d.day < s.day order by d.day desc limit 1), 0) + coalesce(t.moved, 0)::int
      from (select stockroom_api.shop_day(_at) as day) s
     cross join public.product_variants v
      left join (select m.variant_id, sum(m.quantity) as moved
                   from public.stock_movements m
                  where m.occurred_at >= (select stockroom_api.day_start(stockroom_api.day_at(_at, z.zone), z.zone) from stockroom.shop z)
                    and m.occurred_at < _at
                  group by m.variant_id) t on t.variant_id = v.id;
$$;

-- Explain a level: units in and out of one variant by type in a half-open range of days, with the levels before and after.
create function stockroom_api.explain_level(_variant_id uuid, _since date, _until date)
    returns table (opening int, closing int, purchase_in bigint, purchase_out bigint, sale_in bigint, sale_out bigint,
        restoration_in bigint, restoration_out bigint, adjustment_in bigint, adjustment_out bigint,
        count_in bigint, count_out bigint, movements bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce((select d.closing from stockroom.variant_days d
                      where d.variant_id = _variant_id and d.day < _since order by d.day desc limit 1), 0),
           coalesce((select d.closing from stockroom.variant_days d
                      where d.variant_id = _variant_id and (_until is null or d.day < _until) order by d.day desc limit 1), 0),
           coalesce(sum(d.purchase_in), 0), coalesce(sum(d.purchase_out), 0), coalesce(sum(d.sale_in), 0),
           coalesce(sum(d.sale_out), 0), coalesce(sum(d.restoration_in), 0), coalesce(sum(d.restoration_out), 0),
           coalesce(sum(d.adjustment_in), 0), coalesce(sum(d.adjustment_out), 0), coalesce(sum(d.count_in), 0),
           coalesce(sum(d.count_out), 0), coalesce(sum(d.movements), 0)
      from stockroom.variant_days d
     where d.variant_id = _variant_id and (_since is null or d.day >= _since) and (_until is null or d.day < _until);
$$;

-- Store the sums of past days, so that a chart of the whole shop reads one row a day. A day is summed two days after its end,
-- because no transaction is open that long. A posting into the past holds the lock shared; then nothing is stored now, and a replica
-- stores nothing.
create function stockroom_api.close_days(_first date, _last date) returns void
    language plpgsql as $$
declare
    _over date := stockroom_api.shop_day(now()) - 2;
begin
    if pg_is_in_recovery() or _first > least(_last, _over)
       or (select count(*) from stockroom.shop_days where day between _first and least(_last, _over))
          = least(_last, _over) - _first + 1 then
        return;
    end if;
    if not pg_try_advisory_xact_lock(hashtext('stockroom.shop_days')) then
        return;
    end if;
    insert into stockroom.shop_days
    select g.day::date, coalesce(sum(d.purchase_in), 0), coalesce(sum(d.purchase_out), 0), coalesce(sum(d.sale_in), 0),
           coalesce(sum(d.sale_out), 0), coalesce(sum(d.restoration_in), 0), coalesce(sum(d.restoration_out), 0),
           coalesce(sum(d.adjustment_in), 0), coalesce(sum(d.adjustment_out), 0), coalesce(sum(d.count_in), 0),
           coalesce(sum(d.count_out), 0), coalesce(sum(d.movements), 0)
      from generate_series(_first, least(_last, _over), interval '1 day') g (day)
      left join stockroom.variant_days d on d.day = g.day::date
     where not exists (select from stockroom.shop_days s where s.day = g.day::date)
     group by 1
    on conflict do nothing;
end $$;

-- Units in and out of the whole shop by day, from `_first` to `_last`, both included; only days with a movement.
create function stockroom_api.shop_flows(_first date, _last date) returns setof stockroom.shop_days
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _open date[];
begin
    perform stockroom_api.close_days(_first, _last);
    _open := array(select g::date from generate_series(_first, _last, interval '1 day') g
                    where not exists (select from stockroom.shop_days s where s.day = g::date));
    return query
    select s.* from stockroom.shop_days s where s.day between _first and _last and s.movements > 0
    union all
    select d.day, sum(d.purchase_in), sum(d.purchase_out), sum(d.sale_in), sum(d.sale_out), sum(d.restoration_in),
           sum(d.restoration_out), sum(d.adjustment_in), sum(d.adjustment_out), sum(d.count_in), sum(d.count_out), sum(d.movements)
      from stockroom.variant_days d
     where d.day = any (_open)
     group by d.day;
end $$;

-- The level of a variant over time since a day: after each movement, sorted by when it happened, or, if these are more than
-- `_points`, at the end of every n-th day with a movement. The present level is always the last point.
create function stockroom_api.running_level(_variant_id uuid, _since date, _points int)
    returns table (step bigint, at timestamptz, level int)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    _zone text := (select zone from stockroom.shop);
    _from timestamptz := coalesce(stockroom_api.day_start(_since, _zone), '-infinity');
    _level int := coalesce((select d.closing from stockroom.variant_days d
                             where d.variant_id = _variant_id and d.day < _since order by d.day desc limit 1), 0);
    _days bigint;
    _moved bigint;
begin
    select count(*), coalesce(sum(d.movements), 0) into _days, _moved
      from stockroom.variant_days d where d.variant_id = _variant_id and (_since is null or d.day >= _since);
    if _moved <= _points then
        return query
        select row_number() over happened, m.occurred_at, (_level + sum(m.quantity) over happened)::int
          from public.stock_movements m
         where m.variant_id = _variant_id and m.occurred_at >= _from
        window happened as (order by m.occurred_at, m.variant_sequence);
        return;
    end if;
    return query
    select x.n, stockroom_api.day_start(x.day + 1, _zone) - interval '1 second', x.closing
      from (select row_number() over (order by d.day desc) as n, d.day, d.closing
              from stockroom.variant_days d where d.variant_id = _variant_id and (_since is null or d.day >= _since)) x
     where (x.n - 1) % (_days / _points + 1) = 0;
end $$;

-- The number of a variant's first movement whose hash does not follow from the one before, or of the last movement if it is not
-- the one stored on the variant; null if the chain is intact.
create function stockroom_api.broken_link(_variant_id uuid) returns int
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select min(c.variant_sequence)
      from (select m.variant_sequence, m.chain_hash, lead(m.id) over following is null as is_last,
                   stockroom.chain(stockroom.movement_text(m.variant_id, m.variant_sequence, m.sku, m.movement_type, m.reason,
                       m.quantity, m.quantity_before, m.quantity_after, m.operation_id, m.reference_type, m.reference_id,
                       m.reverses_id, m.performed_by, m.note, m.occurred_at, m.created_at), null) over following as expected
              from public.stock_movements m where m.variant_id = _variant_id
            window following as (order by m.variant_sequence)) c
      join public.product_variants v on v.id = _variant_id
     where c.chain_hash <> c.expected
        or (c.is_last and (v.chain_head, v.movement_sequence) is distinct from (c.chain_hash, c.variant_sequence));
$$;

-- The numbers at the top of the Overview. `uncosted` variants have units without a known cost, which are not in the value at cost.
create function stockroom_api.stock_summary()
    returns table (variants bigint, units bigint, low bigint, out_of_stock bigint, value_at_price numeric, value_at_cost numeric,
                   uncosted bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select count(*), coalesce(sum(l.on_hand), 0), count(*) filter (where l.state = 'low'), count(*) filter (where l.state = 'out'),
           coalesce(sum(l.on_hand * l.price), 0), coalesce(sum(round(l.on_hand * l.average_cost, l.digits)), 0),
           count(*) filter (where l.on_hand > 0 and l.average_cost is null)
      from (select l.on_hand, l.state, coalesce(l.price, p.price) as price, l.average_cost, d.digits
              from stockroom_api.levels l
              join public.products p on p.id = l.product_id
             cross join (select stockroom_api.currency_digits(s.currency) as digits from stockroom.shop s) d
             where l.is_active
            offset 0) l;  -- a fence: the average cost is looked up once a variant, not once for each use
$$;

-- The names of all who ever moved something. It steps through the index from name to name instead of reading every movement.
create function stockroom_api.people() returns table (performed_by text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with recursive name as (
        (select m.performed_by from public.stock_movements m order by m.performed_by limit 1)
        union all
        select (select m.performed_by from public.stock_movements m where m.performed_by > name.performed_by
                 order by m.performed_by limit 1)
          from name where name.performed_by is not null
    )
    select name.performed_by from name where name.performed_by is not null;
$$;

-- The number that live pages poll. It grows with every movement, order, refund, decision, step of a case and edit of a variant.
create function stockroom_api.latest_movement() returns bigint
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select coalesce((select max(id) from public.stock_movements), 0) + coalesce((select max(id) from stockroom.orders), 0)
         + coalesce((select max(id) from stockroom.refunds), 0) + coalesce((select max(id) from stockroom.refund_decisions), 0)
         + coalesce((select max(id) from stockroom.decisions_taken_back), 0) + coalesce((select max(id) from stockroom.alert_history), 0)
         + coalesce((select max(id) from stockroom.variant_changes), 0);
$$;

grant select on stockroom_api.shop, stockroom_api.reasons, stockroom_api.levels, stockroom_api.movements,
    stockroom_api.movement_keys, stockroom_api.variant_days to stockroom_app;
grant execute on function
    stockroom_api.permit(bigint, bigint, text[], text),
    stockroom_api.trends(uuid[], date, int), stockroom_api.levels_at(timestamptz),
    stockroom_api.explain_level(uuid, date, date), stockroom_api.running_level(uuid, date, int),
    stockroom_api.shop_flows(date, date), stockroom_api.stock_summary(),
    stockroom_api.people(), stockroom_api.latest_movement(), stockroom_api.broken_link(uuid)
    to stockroom_app;
