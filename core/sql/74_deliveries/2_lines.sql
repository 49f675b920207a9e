-- Deliveries begin here: announced by a supplier's note, or begun when goods arrive. Lines are read once; what cannot be read or has no
-- variant stays as a named line.

-- The lines of a note, one for each variant and for each unknown code, in their order. Lines of one variant are added up; if their
-- costs differ, the cost is the average by units.
create function stockroom_api.goods_read(_lines jsonb)
    returns table (place bigint, code text, variant_id uuid, units bigint, unit_cost numeric, original text, problem text)
    language sql stable as $$
    select min(l.n), (array_agg(l.code order by l.n))[1], c.variant_id, sum(l.units::bigint * coalesce(c.units, 1)),
           coalesce(round(sum(l.unit_cost * l.units * coalesce(c.units, 1))
                          / nullif(sum(l.units::bigint * coalesce(c.units, 1)) filter (where l.unit_cost is not null), 0), 4), min(l.unit_cost)),
           string_agg(l.original, E'\n' order by l.n), string_agg(l.problem, ' ' order by l.n)
      from (select x.ordinality as n, x.line ->> 'code' as code, (x.line ->> 'units')::int as units,
                   (x.line ->> 'unit_cost')::numeric as unit_cost, x.line ->> 'original' as original, x.line ->> 'problem' as problem
              from jsonb_array_elements(_lines) with ordinality x (line)) l
      left join lateral stockroom_api.find_code(l.code) c on true
     group by c.variant_id, case when c.variant_id is null then stockroom.code_key(l.code) end
     order by 1;
$$;

-- The fingerprint of a note: its codes, units and costs, in any order.
create function stockroom_api.goods_digest(_lines jsonb) returns bytea
    language sql immutable as $$
    select sha256(convert_to(coalesce(string_agg(x.said, E'\n' order by x.said), ''), 'UTF8'))
      from (select concat_ws('|', l ->> 'code', l ->> 'units', trim_scale((l ->> 'unit_cost')::numeric)) as said
              from jsonb_array_elements(_lines) l) x;
$$;

-- Write a step of a delivery.
create function stockroom_api.note_goods(
    _delivery stockroom.goods_deliveries, _operation_id bigint, _step text, _who text, _code text default null, _units int default null,
    _detail text default null
) returns void
    language sql as $$
    insert into stockroom.goods_steps (delivery_id, operation_id, step, revision, code, units, detail, done_by)
    values (_delivery.id, _operation_id, _step, _delivery.revision, left(_code, 200), _units, _detail, _who);
$$;

-- Add lines to a delivery that is locked: as announced, or as counted. Refuses: SK008.
create function stockroom_api.put_goods_lines(_delivery_id bigint, _lines jsonb, _is_announced boolean) returns void
    language plpgsql as $$
declare
    _much text;
begin
    with read as materialized (
        select r.*, case when _is_announced then u.few else 0 end as announced, case when _is_announced then 0 else u.few end as counted
          from stockroom_api.goods_read(_lines) r
         cross join lateral (select least(r.units, 2000000)::int as few) u  -- refused below
    ), there as materialized (
        select r.place, l.id
          from read r join stockroom.goods_lines l on l.delivery_id = _delivery_id and l.variant_id = r.variant_id
        union all
        select r.place, l.id
          from read r
          join stockroom.goods_lines l on l.delivery_id = _delivery_id and stockroom.code_key(l.code) = stockroom.code_key(r.code)
         where r.variant_id is null and l.variant_id is null
    ), known as (
        update stockroom.goods_lines l
           set expected = l.expected + r.announced, scanned = l.scanned + r.counted, unit_cost = coalesce(r.unit_cost, l.unit_cost),
               original = concat_ws(E'\n', l.original, r.original), problem = nullif(concat_ws(' ', l.problem, r.problem), '')
          from there t
          join read r on r.place = t.place
         where l.id = t.id
    )
    insert into stockroom.goods_lines (delivery_id, code, variant_id, expected, scanned, unit_cost, original, problem)
    select _delivery_id, r.code, r.variant_id, r.announced, r.counted, r.unit_cost, r.original, r.problem
      from read r
     where r.place not in (select t.place from there t)
     order by r.place;
    select l.code into _much from stockroom.goods_lines l
     where l.delivery_id = _delivery_id and greatest(l.expected, l.scanned) > 1000000 limit 1;
    if found then
        perform stockroom_api.refuse_value('quantity', format('of %s would be above 1,000,000. Nothing was saved', _much));
    end if;
end $$;

-- Create a delivery: announced with its lines, or begun with those that arrived. A note with the reference and the lines of one that
-- is not cancelled is that one: `is_known`. Without a reference it gets a number of ours. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.create_goods(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _reference text, _supplier text, _expected_on date,
    _is_announced boolean, _lines jsonb, _original text
) returns table (delivery_id bigint, is_known boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _digest bytea := stockroom_api.goods_digest(_lines);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'create_delivery',
        format('%L %L %L %L %L', _reference, _supplier, _expected_on, _is_announced, _lines), _user_id, _who);
    _id bigint;
    _delivery stockroom.goods_deliveries;
begin
    if _operation_id is null then
        return query select s.delivery_id, false from stockroom.goods_steps s
                       join stockroom.operations o on o.id = s.operation_id where o.key = _key limit 1;
        if found then
            return;
        end if;
    end if;
    if _is_announced and _reference is not null then
        -- Two uploads of one note at once take turns.
        perform pg_advisory_xact_lock(hashtext('stockroom.goods ' || lower(_reference)));
        select d.id into _id from stockroom.goods_deliveries d
         where lower(d.reference) = lower(_reference) and d.digest = _digest and (d.state <> 'cancelled' or _operation_id is null)
         order by d.state = 'cancelled', d.id limit 1;
        if found then
            return query select _id, true;
            return;
        end if;
    end if;
    _id := nextval(pg_get_serial_sequence('stockroom.goods_deliveries', 'id'));
    insert into stockroom.goods_deliveries
           (id, reference, supplier, expected_on, is_announced, state, digest, original, created_by)
    overriding system value
    values (_id, coalesce(_reference, 'D-' || _id), _supplier, _expected_on, _is_announced,
            case when _is_announced then 'expected' else 'in_progress' end, case when _is_announced then _digest end, _original, _who)
    returning * into _delivery;
    perform stockroom_api.put_goods_lines(_id, _lines, _is_announced);
    perform stockroom_api.note_goods(_delivery, _operation_id, 'created', _who);
    return query select _id, false;
end $$;

-- What each of these codes means, in their order; a code without a variant has no row. Refuses: SK009, SK010.
create function stockroom_api.goods_codes(_user_id bigint, _session_id bigint, _roles text[], _name text, _codes text[])
    returns table (code text, variant_id uuid, sku text, product text, size text, units int)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select x.code, c.variant_id, v.sku, p.name, v.size, c.units
          from unnest(_codes) with ordinality x (code, n)
         cross join lateral stockroom_api.find_code(x.code) c
          join public.product_variants v on v.id = c.variant_id
          join public.products p on p.id = v.product_id
         order by x.n;
end $$;

grant execute on function
    stockroom_api.create_goods(bigint, bigint, text[], text, text, text, text, date, boolean, jsonb, text),
    stockroom_api.goods_codes(bigint, bigint, text[], text, text[])
    to stockroom_app;
