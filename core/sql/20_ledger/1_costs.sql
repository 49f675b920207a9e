-- The average cost of a variant: a step with every receipt, its undo, and every cost that a person sets. Sales and all other
-- movements write nothing here: they leave and come back at the average of their moment.

-- How many digits of an amount in this currency are minor units, as `minor_digits` in core/carts/values.py.
create function stockroom_api.currency_digits(_currency text) returns int
    language sql immutable security definer set search_path = pg_catalog, pg_temp
    return case when upper(_currency) in ('BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF',
                                          'XOF', 'XPF') then 0
                when upper(_currency) in ('BHD', 'JOD', 'KWD', 'OMR', 'TND') then 3
                else 2 end;

-- The average after a receipt: the value before, rounded to the minor unit, and that of the receipt, divided by all units. With nothing
-- on hand, or no average so far, it is the cost of the receipt. A receipt without a cost changes nothing.
create function stockroom_api.averaged(_average numeric, _before bigint, _quantity int, _unit_cost numeric, _digits int) returns numeric
    language plpgsql immutable as $$
begin
    return case when _unit_cost is null then _average
                when _average is null or _before = 0 then trim_scale(_unit_cost)
                else trim_scale(round((round(_before * _average, _digits) + round(_quantity * _unit_cost, _digits)
                                       + 0.00000000000000000000) / (_before + _quantity), 20)) end;
end $$;

-- The same in a window over receipts: from `_start`, the average before the first of them.
create function stockroom_api.averaged_from(
    _average numeric, _start numeric, _before bigint, _quantity int, _unit_cost numeric, _digits int
) returns numeric
    language plpgsql immutable as $$
begin
    return stockroom_api.averaged(coalesce(_average, _start), _before, _quantity, _unit_cost, _digits);
end $$;

-- The moving average over a window of receipts: start, level before, units, unit cost, digits of the currency.
create aggregate stockroom_api.moving_average(numeric, bigint, int, numeric, int) (
    sfunc = stockroom_api.averaged_from, stype = numeric
);

-- The present average cost of a variant; null if it is not known.
create function stockroom_api.average_cost(_variant_id uuid) returns numeric
    language sql stable as $$
    select s.average from stockroom.cost_steps s
     where s.variant_id = _variant_id order by s.sequence desc, s.place desc limit 1;
$$;

-- The average of a variant before a movement as if the receipts that were undone by then had never come: they bring no cost, and
-- their units are not on hand at the receipts between.
create function stockroom_api.average_without_undone(_variant_id uuid, _sequence int) returns numeric
    language sql stable as $$
    with receipt as (
        select m.variant_sequence as sequence, m.quantity, u.variant_sequence as undone
          from public.stock_movements u
          join public.stock_movements m on m.id = u.reverses_id
         where u.variant_id = _variant_id and u.variant_sequence <= _sequence and u.reason = 'undo' and m.movement_type = 'purchase'
    ), live as (
        select k.sequence, k.place, k.kind, k.unit_cost, k.digits, coalesce(m.quantity, 0) as quantity,
               case when k.kind = 'set' then 0
                    else greatest(m.quantity_before - coalesce((
                        select sum(r.quantity) from receipt r where r.sequence < k.sequence and r.undone > k.sequence), 0), 0) end as before
          from stockroom.cost_steps k
          left join public.stock_movements m on m.variant_id = k.variant_id and m.variant_sequence = k.sequence and k.place = 0
         where k.variant_id = _variant_id and k.sequence < _sequence and k.kind <> 'undone'
           and not exists (select from receipt r where r.sequence = k.sequence and k.place = 0)
    )
    select stockroom_api.moving_average(null, l.before::bigint, l.quantity, l.unit_cost, l.digits order by l.sequence, l.place) from live l;
$$;

-- Whether lines can change an average: a receipt, its undo, or units of a variant whose cost is only in the catalogue. It is a loop
-- because most lines are sales, at which it looks only at their values.
create function stockroom_api.bears_cost(_lines stockroom.line[]) returns boolean
    language plpgsql stable as $$
declare
    _line stockroom.line;
begin
    foreach _line in array _lines loop
        if _line.movement_type = 'purchase' and (_line.quantity > 0 or _line.reason = 'undo') then
            return true;
        elsif _line.quantity > 0
              and (select s.average from stockroom.cost_steps s
                    where s.variant_id = _line.variant_id order by s.sequence desc, s.place desc limit 1) is null
              and exists (select from public.product_variants v where v.id = _line.variant_id and v.unit_cost is not null) then
            return true;
        end if;
    end loop;
    return false;
end $$;

-- Write the steps of lines that were posted just now, under the lock of their variants. `_costs` has what one unit of a line cost, or
-- null: then a receipt has the cost of the catalogue, else the present average. While no cost is known, any units that come in bring
-- that of the catalogue, and all units on hand take it.
create function stockroom_api.write_costs(
    _operation_id bigint, _performed_by text, _lines stockroom.line[], _costs numeric[], _operations bigint[], _people text[]
) returns void
    language plpgsql as $$
begin
    with line as (
        select l.*, v.unit_cost as catalogue, l.movement_type = 'purchase' and l.reason <> 'undo' as is_receipt,
               v.movement_sequence - (count(*) over (partition by l.variant_id) - row_number() over following)::int as sequence,
               v.stock_quantity - (sum(l.quantity) over (partition by l.variant_id) - sum(l.quantity) over following)::int as after,
               count(*) filter (where l.quantity > 0) over following = 1 as is_first_in
          from unnest(_lines) with ordinality
               l (variant_id, movement_type, reason, quantity, occurred_at, reference_type, reference_id, reverses_id, note, n)
          join public.product_variants v on v.id = l.variant_id
        window following as (partition by l.variant_id order by l.n rows unbounded preceding)
    ), came as (
        select l.*, k.average as start, c.digits, coalesce(case when l.is_receipt then round(_costs[l.n::int], 4) end, l.catalogue) as unit_cost,
               case when l.is_receipt and _costs[l.n::int] is not null then 'given' when l.catalogue is not null then 'catalogue'
                    else 'average' end as source
          from line l
          left join (select x.variant_id, stockroom_api.average_cost(x.variant_id) as average
                       from (select distinct x.variant_id from line x where x.quantity > 0 offset 0) x) k on k.variant_id = l.variant_id
         cross join (select stockroom_api.currency_digits(s.currency) as digits from stockroom.shop s) c
         where l.quantity > 0 and (l.is_receipt or l.is_first_in and k.average is null)
    ), step as (
        select c.*, stockroom_api.moving_average(c.start, c.after - c.quantity::bigint, c.quantity, c.unit_cost, c.digits)
                   over (partition by c.variant_id order by c.n rows unbounded preceding) as average
          from came c
    )
    insert into stockroom.cost_steps
           (variant_id, sequence, place, kind, source, unit_cost, average, on_hand, digits, operation_id, performed_by)
    select s.variant_id, s.sequence, 0, 'received', s.source, s.unit_cost, s.average, s.after, s.digits,
           coalesce(_operations[s.n::int], _operation_id), coalesce(_people[s.n::int], _performed_by)
      from step s
     where s.average is not null;
    insert into stockroom.cost_steps
           (variant_id, sequence, place, kind, source, unit_cost, average, on_hand, digits, operation_id, performed_by)
    select u.variant_id, u.variant_sequence, 0, 'undone', 'earlier', k.unit_cost,
           stockroom_api.average_without_undone(u.variant_id, u.variant_sequence), u.quantity_after,
           stockroom_api.currency_digits((select s.currency from stockroom.shop s)), u.operation_id, u.performed_by
      from unnest(_lines) l
      join public.stock_movements u on u.reverses_id = l.reverses_id
      join public.stock_movements m on m.id = u.reverses_id
      join stockroom.cost_steps k on k.variant_id = m.variant_id and k.sequence = m.variant_sequence and k.place = 0
     where l.movement_type = 'purchase' and l.reason = 'undo' and l.quantity < 0;
end $$;

-- The same for a single line with these new values of its variant (a test compares them).
create function stockroom_api.cost_one(
    _operation_id bigint, _performed_by text, _variant_id uuid, _type text, _reason text, _quantity int, _reverses_id bigint,
    _cost numeric, _catalogue numeric, _level int, _sequence int
) returns void
    language plpgsql as $$
declare
    _is_receipt boolean := _type = 'purchase' and _reason <> 'undo';
    _given numeric := case when _is_receipt then round(_cost, 4) end;
    _unit_cost numeric := coalesce(_given, _catalogue);
    _average numeric;
    _digits int;
begin
    if _type = 'purchase' and not _is_receipt then
        perform stockroom_api.write_costs(_operation_id, _performed_by,
            array[row (_variant_id, _type, _reason, _quantity, null, null, null, _reverses_id, null)::stockroom.line], null, null, null);
    elsif _quantity > 0 then
        _average := stockroom_api.average_cost(_variant_id);
        if _is_receipt or _average is null then
            _digits := (select stockroom_api.currency_digits(s.currency) from stockroom.shop s);
            _average := stockroom_api.averaged(_average, _level - _quantity, _quantity, _unit_cost, _digits);
            if _average is not null then
                insert into stockroom.cost_steps (variant_id, sequence, place, kind, source, unit_cost, average, on_hand, digits,
                       operation_id, performed_by)
                values (_variant_id, _sequence, 0, 'received',
                        case when _given is not null then 'given' when _catalogue is not null then 'catalogue' else 'average' end,
                        _unit_cost, _average, _level, _digits, _operation_id, _performed_by);
            end if;
        end if;
    end if;
end $$;

-- Write the steps of the movements of an import in a range of ids: its receipts have the cost of the catalogue, else the present average.
-- It writes what write_costs writes (a test compares them).
create function stockroom_api.cost_history(_operation stockroom.operations, _after_id bigint, _last_id bigint) returns void
    language sql as $$
    with came as materialized (
        select m.*, row_number() over (partition by m.variant_id order by m.variant_sequence) as n
          from public.stock_movements m
         where m.id > _after_id and m.id <= _last_id and m.operation_id + 0 = _operation.id and m.quantity > 0
    ), known as materialized (
        select v.id, v.unit_cost, (select s.average from stockroom.cost_steps s
                                    where s.variant_id = v.id order by s.sequence desc, s.place desc limit 1) as average
          from public.product_variants v
         where v.id in (select c.variant_id from came c)
    )
    insert into stockroom.cost_steps
           (variant_id, sequence, place, kind, source, unit_cost, average, on_hand, digits, operation_id, performed_by)
    select c.variant_id, c.variant_sequence, 0, 'received', case when k.unit_cost is null then 'average' else 'catalogue' end, k.unit_cost,
           stockroom_api.moving_average(k.average, c.quantity_before::bigint, c.quantity, k.unit_cost, d.digits)
               over (partition by c.variant_id order by c.variant_sequence rows unbounded preceding),
           c.quantity_after, d.digits, c.operation_id, c.performed_by
      from came c
      join known k on k.id = c.variant_id
     cross join (select stockroom_api.currency_digits(s.currency) as digits from stockroom.shop s offset 0) d
     where coalesce(k.average, k.unit_cost) is not null and (c.movement_type = 'purchase' or c.n = 1 and k.average is null);
$$;

-- Set the cost of variants: from now on one unit costs this much, and all units on hand take it. The variants are locked.
create function stockroom_api.put_costs(
    _operation_id bigint, _performed_by text, _source text, _variant_ids uuid[], _costs numeric[], _note text
) returns void
    language sql as $$
    insert into stockroom.cost_steps
           (variant_id, sequence, place, kind, source, unit_cost, average, on_hand, digits, operation_id, performed_by, note)
    select v.id, v.movement_sequence,
           1 + coalesce((select max(k.place) from stockroom.cost_steps k where k.variant_id = v.id and k.sequence = v.movement_sequence), 0),
           'set', _source, u.cost, trim_scale(u.cost), v.stock_quantity, stockroom_api.currency_digits(s.currency), _operation_id,
           _performed_by, _note
      from unnest(_variant_ids, _costs) u (id, cost)
      join public.product_variants v on v.id = u.id
     cross join stockroom.shop s;
$$;

-- Give the cost of the catalogue to those of these variants that have units but no known cost. The variants are locked.
create function stockroom_api.cost_from_catalogue(_operation_id bigint, _performed_by text, _variant_ids uuid[]) returns void
    language sql as $$
    select stockroom_api.put_costs(_operation_id, _performed_by, 'catalogue', array_agg(v.id), array_agg(v.unit_cost), null)
      from public.product_variants v
     where v.id = any (_variant_ids) and v.unit_cost is not null and v.stock_quantity > 0
       and stockroom_api.average_cost(v.id) is null
    having count(*) > 0;
$$;
