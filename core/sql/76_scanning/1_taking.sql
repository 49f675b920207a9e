-- The scan station: one statement finds the variant of a code, checks, posts, and returns the level before and after.

-- What a scan meant and did. `scanned` is the quantity of the code: 1, or that of a carton. `units` is what was posted. A look-up
-- has no movement, and the same level before and after.
create type stockroom_api.taken as (
    variant_id   uuid,
    sku          text,
    product      text,
    brand        text,
    size         text,
    color        text,
    is_active    boolean,
    scanned      int,
    units        int,
    level_before int,
    level_after  int,
    reserved     int,
    reorder_point int,
    movement_id  bigint,
    replayed     boolean
);

-- The variant of a scan, with its quantity: the variant itself where a person chose it from a list; else that of the first of
-- `_codes` which is known, times the count that the code itself names. Refuses: SK001, SK008 (several variants have the code).
create function stockroom_api.variant_of_scan(
    _codes text[], _counts int[], _variant_id uuid, out variant_id uuid, out units int
)
    language plpgsql stable as $$
declare
    _found record;
begin
    if _variant_id is not null then
        variant_id := (select v.id from public.product_variants v where v.id = _variant_id);
        units := 1;
    end if;
    for n in 1 .. coalesce(cardinality(_codes), 0) loop
        exit when variant_id is not null;
        select array_agg(c.variant_id) as ids, string_agg(c.sku, ', ') as skus, min(c.units) as units
          into _found from stockroom_api.code_choices(_codes[n]) c;
        if cardinality(_found.ids) > 1 then
            perform stockroom_api.refuse_value('code', format('belongs to several variants: %s. Nothing was changed. '
                'Choose one of them from the list of variants', _found.skus));
        end if;
        variant_id := _found.ids[1];
        units := least(_found.units::bigint * _counts[n], 2000000000);  -- far above what a scan may move
    end loop;
    if variant_id is null then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.', jsonb_build_object('code', _codes[1]));
    end if;
end $$;

-- The description of a variant with what a scan did to it. Without a posting, its present level.
create function stockroom_api.describe_taken(_variant_id uuid, _scanned int, _posting stockroom_api.posting)
    returns stockroom_api.taken
    language sql stable as $$
    select row (l.variant_id, l.sku, l.product, l.brand, l.size, l.color, l.is_active, _scanned,
               coalesce(_posting.quantity, 0), coalesce(_posting.quantity_before, l.on_hand),
               coalesce(_posting.quantity_after, l.on_hand), l.reserved, l.reorder_point, _posting.movement_id,
               coalesce(_posting.replayed, false))::stockroom_api.taken
      from stockroom_api.levels l where l.variant_id = _variant_id;
$$;

-- Refuse a scan of the future, or one that waited in a browser for more than seven days. A clock may be set back two seconds.
-- Refuses: SK008.
create function stockroom_api.refuse_moment(_age double precision) returns void
    language plpgsql as $$
begin
    if not coalesce(_age >= -2, false) then
        perform stockroom_api.refuse_value('time of the scan', 'lies in the future: the clock of this device was changed');
    elsif _age > 7 * 86400 then
        perform stockroom_api.refuse_value('time of the scan', 'is more than seven days ago, so the shelf has changed since. '
            'Nothing was changed. Look at the shelf and scan again');
    end if;
end $$;

-- Look a code up. Refuses: SK001, SK009, SK010.
create function stockroom_api.look_up_scan(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _codes text[], _counts int[], _variant_id uuid
) returns setof stockroom_api.taken
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _found record;
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    _found := stockroom_api.variant_of_scan(_codes, _counts, _variant_id);
    return next stockroom_api.describe_taken(_found.variant_id, _found.units, null);
end $$;

-- Post one scan: find its variant, check, move `_units` times the quantity of the code. It happened `_age` seconds ago, which is
-- no part of the content of the operation: a repeat is older than the first. Refuses: SK001, SK002, SK003, SK008, SK009, SK010.
create function stockroom_api.post_scan(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _kind text, _movement_type text, _reason text,
    _codes text[], _counts int[], _variant_id uuid, _units int, _age double precision, _reference text, _note text
) returns setof stockroom_api.taken
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, _kind,
        format('scan %L %L %L %L %s %L %L', _movement_type, _reason, _codes, _variant_id, _units, _reference, _note),
        _user_id, _performed_by);
    _found record;
    _line stockroom.line;
    _posting stockroom_api.posting;
begin
    if _operation_id is null then
        select r.* into _posting from stockroom_api.replay(_key) r;
        return next stockroom_api.describe_taken(_posting.variant_id, abs(_posting.quantity / nullif(_units, 0)), _posting);
        return;
    end if;
    perform stockroom_api.refuse_moment(_age);
    _found := stockroom_api.variant_of_scan(_codes, _counts, _variant_id);
    if abs(_found.units::bigint * _units) > 1000000 then
        perform stockroom_api.refuse_value('units', 'must be at most 1,000,000 for one scan');
    end if;
    _line := row (_found.variant_id, _movement_type, _reason, _found.units * _units, now() - make_interval(secs => greatest(_age, 0)),
        case when _reference is not null then 'receipt' end, _reference, null, _note);
    perform stockroom_api.check_lines(array[_line]);
    perform stockroom_api.lock_variants(array[_found.variant_id]);
    select p.* into strict _posting from stockroom_api.post_lines(_operation_id, _performed_by, array[_line]) p;
    return next stockroom_api.describe_taken(_found.variant_id, _found.units, _posting);
end $$;

-- Undo what the operation `_of` posted at the scan station. Refuses: SK008 (it posted nothing), and as post_undo.
create function stockroom_api.undo_scan(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _of text, _note text
) returns setof stockroom_api.taken
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _movements bigint[] := array(
        select m.id from stockroom.operations o join public.stock_movements m on m.operation_id = o.id where o.key = _of);
    _posting stockroom_api.posting;
begin
    if _movements = '{}' then
        perform stockroom_api.refuse_value('scan', 'was not posted, so there is nothing to undo');
    end if;
    for _posting in select * from stockroom_api.post_undo(_key, _user_id, _session_id, _roles, _performed_by, _movements, _note) loop
        return next stockroom_api.describe_taken(_posting.variant_id, 1, _posting);
    end loop;
end $$;

grant execute on function
    stockroom_api.look_up_scan(bigint, bigint, text[], text, text[], int[], uuid),
    stockroom_api.post_scan(bigint, bigint, text[], text, text, text, text, text, text[], int[], uuid, int, double precision, text, text),
    stockroom_api.undo_scan(bigint, bigint, text[], text, text, text, text)
    to stockroom_app;
