-- Checking a delivery off: scans, pasted lines, corrections, and codes that are attached. Each locks the delivery first, so people who
-- work on one take turns and their units add up.

-- Lock an open delivery. Refuses: SK008 if it is unknown, received or cancelled.
create function stockroom_api.lock_goods_delivery(_delivery_id bigint) returns stockroom.goods_deliveries
    language plpgsql as $$
declare
    _delivery stockroom.goods_deliveries;
begin
    select d.* into _delivery from stockroom.goods_deliveries d where d.id = _delivery_id for no key update;
    if _delivery.id is null then
        perform stockroom_api.refuse_value('delivery', 'is not in this shop. Nothing was changed');
    elsif _delivery.state not in ('expected', 'in_progress') then
        perform stockroom_api.refuse_value('delivery', format('%s was %s by %s at %s. Nothing was changed. Open it again to add to it',
            _delivery.reference, case _delivery.state when 'received' then 'received and closed' else 'cancelled' end,
            _delivery.closed_by, stockroom_api.shop_time(_delivery.closed_at)), jsonb_build_object('state', _delivery.state));
    end if;
    return _delivery;
end $$;

-- Count a change of the lines of a locked delivery.
create function stockroom_api.touch_goods(_delivery_id bigint) returns stockroom.goods_deliveries
    language sql as $$
    update stockroom.goods_deliveries d set revision = d.revision + 1, state = 'in_progress'
     where d.id = _delivery_id
    returning d.*;
$$;

-- The line that a scan belongs to: of its variant, or with its code.
create function stockroom_api.goods_line_of(_delivery_id bigint, _variant_id uuid, _code text) returns stockroom.goods_lines
    language sql stable as $$
    select l.* from stockroom.goods_lines l
     where l.delivery_id = _delivery_id and (l.variant_id = _variant_id or (_variant_id is null and stockroom.code_key(l.code) = stockroom.code_key(_code)))
     order by l.variant_id is null
     limit 1;
$$;

-- Add scanned units to a delivery; units below zero take them back. Without a variant, they are of `_code`, which becomes a line of its
-- own if the delivery has none with it. Refuses: SK001, SK003, SK008, SK009, SK010.
create function stockroom_api.scan_goods(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _delivery_id bigint, _variant_id uuid, _code text, _units int
) returns table (line_id bigint, code text, variant_id uuid, sku text, units int, scanned int, received int, expected int, revision int,
                 replayed boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'scan_delivery',
        format('%L %L %L %L', _delivery_id, _variant_id, _code, _units), _user_id, _who);
    _delivery stockroom.goods_deliveries;
    _line stockroom.goods_lines;
begin
    if _operation_id is not null then
        _delivery := stockroom_api.lock_goods_delivery(_delivery_id);
        _line := stockroom_api.scanned_line(_delivery_id, _variant_id, _code, _units);
        _delivery := stockroom_api.touch_goods(_delivery_id);
        perform stockroom_api.note_goods(_delivery, _operation_id, 'scanned', _who, _line.code, _units);
    else
        _line := stockroom_api.goods_line_of(_delivery_id, _variant_id, _code);
    end if;
    return query
        select l.id, l.code, l.variant_id, v.sku, _units, l.scanned, l.received, l.expected, d.revision, _operation_id is null
          from stockroom.goods_lines l
          join stockroom.goods_deliveries d on d.id = l.delivery_id
          left join public.product_variants v on v.id = l.variant_id
         where l.id = _line.id;
end $$;

-- Add units to the line of a locked delivery, or make one. Refuses: SK001, SK008.
create function stockroom_api.scanned_line(_delivery_id bigint, _variant_id uuid, _code text, _units int) returns stockroom.goods_lines
    language plpgsql as $$
declare
    _line stockroom.goods_lines := stockroom_api.goods_line_of(_delivery_id, _variant_id, _code);
    _sku text := (select v.sku from public.product_variants v where v.id = _variant_id);
begin
    if _variant_id is not null and _sku is null then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.', jsonb_build_object('variants', jsonb_build_array(_variant_id)));
    elsif coalesce(_line.scanned, 0) + _units not between 0 and 1000000 then
        perform stockroom_api.refuse_value('units', format('of %s would be %s: they must be between 0 and 1,000,000',
            coalesce(_sku, _code), coalesce(_line.scanned, 0) + _units));
    elsif _line.id is null then
        insert into stockroom.goods_lines (delivery_id, code, variant_id, scanned)
        values (_delivery_id, coalesce(_sku, _code), _variant_id, _units) returning * into _line;
    else
        update stockroom.goods_lines l set scanned = l.scanned + _units where l.id = _line.id returning l.* into _line;
    end if;
    return _line;
end $$;

-- Add pasted or uploaded lines to an open delivery, as counted. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.add_goods(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _delivery_id bigint, _lines jsonb, _original text
) returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'add_to_delivery', format('%L %L', _delivery_id, _lines), _user_id, _who);
    _delivery stockroom.goods_deliveries;
begin
    if _operation_id is not null then
        perform stockroom_api.lock_goods_delivery(_delivery_id);
        perform stockroom_api.put_goods_lines(_delivery_id, _lines, false);
        _delivery := stockroom_api.touch_goods(_delivery_id);
        perform stockroom_api.note_goods(_delivery, _operation_id, 'added', _who, null,
            (select sum((l ->> 'units')::int)::int from jsonb_array_elements(_lines) l));
        update stockroom.goods_deliveries d set original = left(concat_ws(E'\n', d.original, _original), 2000000) where d.id = _delivery_id;
    end if;
    return (select d.revision from stockroom.goods_deliveries d where d.id = _delivery_id);
end $$;

-- Refuse with the steps since if a locked delivery has another revision than a page showed. Refuses: SK008.
create function stockroom_api.refuse_moved_goods(_delivery stockroom.goods_deliveries, _seen int) returns void
    language plpgsql as $$
declare
    _since text;
begin
    if _delivery.revision = _seen then
        return;
    end if;
    select string_agg(s.said, '; ') into _since
      from (select format('%s %s%s%s', x.done_by, x.step, ' ' || x.units, ' of ' || x.code) as said
              from stockroom.goods_steps x
             where x.delivery_id = _delivery.id and x.revision > _seen and x.step <> 'created'
             order by x.id desc limit 3) s;
    perform stockroom_api.refuse_value('delivery', format('%s has changed since this page showed it: %s. Nothing was changed. '
        'Look at the lines and do it again', _delivery.reference, coalesce(_since, 'somebody worked on it')),
        jsonb_build_object('revision', _delivery.revision));
end $$;

-- Correct lines: {line_id, expected, scanned, unit_cost}, each with all three values. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.change_goods(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _delivery_id bigint, _seen int, _changes jsonb
) returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'change_delivery',
        format('%L %L %L', _delivery_id, _seen, _changes), _user_id, _who);
    _delivery stockroom.goods_deliveries;
begin
    if _operation_id is not null then
        perform stockroom_api.refuse_moved_goods(stockroom_api.lock_goods_delivery(_delivery_id), _seen);
        _delivery := stockroom_api.touch_goods(_delivery_id);
        with wanted as (
            select x.* from jsonb_to_recordset(_changes) x (line_id bigint, expected int, scanned int, unit_cost numeric)
        ), before as materialized (
            select l.* from stockroom.goods_lines l join wanted w on w.line_id = l.id where l.delivery_id = _delivery_id
        ), changed as (
            update stockroom.goods_lines l
               set expected = w.expected, scanned = w.scanned, unit_cost = w.unit_cost, problem = null
              from wanted w where l.id = w.line_id and l.delivery_id = _delivery_id
        )
        insert into stockroom.goods_steps (delivery_id, operation_id, step, revision, code, detail, done_by)
        select _delivery_id, _operation_id, 'changed', _delivery.revision, b.code, concat_ws(', ',
                   case when w.expected <> b.expected then format('expected %s, was %s', w.expected, b.expected) end,
                   case when w.scanned <> b.scanned then format('counted %s, was %s', w.scanned, b.scanned) end,
                   case when w.unit_cost is distinct from b.unit_cost
                        then format('unit cost %s, was %s', coalesce(trim_scale(w.unit_cost)::text, 'none'),
                                    coalesce(trim_scale(b.unit_cost)::text, 'none')) end), _who
          from wanted w join before b on b.id = w.line_id;
    end if;
    return (select d.revision from stockroom.goods_deliveries d where d.id = _delivery_id);
end $$;

-- Say which variant an unknown line is. Its units join those of the variant's line if there is one. Refuses: SK001, SK003, SK008,
-- SK009, SK010.
create function stockroom_api.attach_goods(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _delivery_id bigint, _line_id bigint, _variant_id uuid
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'attach_delivery',
        format('%L %L %L', _delivery_id, _line_id, _variant_id), _user_id, _who);
    _delivery stockroom.goods_deliveries;
    _line stockroom.goods_lines;
    _sku text := (select v.sku from public.product_variants v where v.id = _variant_id);
begin
    if _operation_id is null then
        return (stockroom_api.goods_line_of(_delivery_id, _variant_id, null)).id;
    end if;
    perform stockroom_api.lock_goods_delivery(_delivery_id);
    select l.* into _line from stockroom.goods_lines l where l.id = _line_id and l.delivery_id = _delivery_id;
    if _sku is null then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.', jsonb_build_object('variants', jsonb_build_array(_variant_id)));
    elsif _line.id is null or _line.variant_id is not null then
        perform stockroom_api.refuse_value('line', 'has its variant already: somebody attached it. Nothing was changed');
    end if;
    update stockroom.goods_lines l
       set expected = l.expected + _line.expected, scanned = l.scanned + _line.scanned, unit_cost = coalesce(l.unit_cost, _line.unit_cost),
           original = nullif(concat_ws(E'\n', l.original, _line.original), ''), problem = nullif(concat_ws(' ', l.problem, _line.problem), '')
     where l.delivery_id = _delivery_id and l.variant_id = _variant_id
    returning l.id into _line_id;
    if found then
        delete from stockroom.goods_lines l where l.id = _line.id;
    else
        update stockroom.goods_lines l set variant_id = _variant_id where l.id = _line.id;
    end if;
    _delivery := stockroom_api.touch_goods(_delivery_id);
    perform stockroom_api.note_goods(_delivery, _operation_id, 'attached', _who, _line.code, _line.expected + _line.scanned, 'to ' || _sku);
    return coalesce(_line_id, _line.id);
end $$;

grant execute on function
    stockroom_api.scan_goods(bigint, bigint, text[], text, text, bigint, uuid, text, int),
    stockroom_api.add_goods(bigint, bigint, text[], text, text, bigint, jsonb, text),
    stockroom_api.change_goods(bigint, bigint, text[], text, text, bigint, int, jsonb),
    stockroom_api.attach_goods(bigint, bigint, text[], text, text, bigint, bigint, uuid)
    to stockroom_app;
