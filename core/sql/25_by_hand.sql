-- What people do by hand: change, set, undo. Each checks the person, claims its key, locks, and posts to the ledger.

-- A person's change: the same type, reason, reference and note for every line; `_quantities` are signed units.
-- Refuses: SK001, SK002, SK003, SK008, SK009, SK010.
create function stockroom_api.post_change(
    _key text, _kind text, _user_id bigint, _session_id bigint, _roles text[], _name text,
    _movement_type text, _reason text, _variant_ids uuid[], _quantities int[],
    _reference_type text default null, _reference_id text default null, _note text default null
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, _kind,
        format('%L %L %L %L %L %L %L', _movement_type, _reason, _variant_ids, _quantities, _reference_type, _reference_id, _note),
        _user_id, _performed_by);
    _lines stockroom.line[] := '{}';
    _posting stockroom_api.posting;
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    for n in 1 .. cardinality(_variant_ids) loop
        _lines[n] := row (_variant_ids[n], _movement_type, _reason, _quantities[n], null, _reference_type, _reference_id, null, _note);
    end loop;
    perform stockroom_api.check_lines(_lines);
    _posting := stockroom_api.post_line(_operation_id, _performed_by, _lines);
    if _posting.movement_id is not null then
        return next _posting;
        return;
    end if;
    perform stockroom_api.lock_variants(_variant_ids);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
end $$;

-- Compare and set: each variant goes to its target only if it still stands where the person saw it; else nothing moves
-- and SK004 tells the present level and the movements since. Refuses: as post_change, and SK004.
create function stockroom_api.post_levels(
    _key text, _kind text, _user_id bigint, _session_id bigint, _roles text[], _name text,
    _movement_type text, _reason text, _variant_ids uuid[], _targets int[], _seen int[], _note text default null
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _lines stockroom.line[] := array(
        select row (v, _movement_type, _reason, t - s, null, null, null, null, _note)::stockroom.line
          from unnest(_variant_ids, _targets, _seen) with ordinality u (v, t, s, n) order by n);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, _kind, _lines::text || _targets::text, _user_id, _performed_by);
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    if cardinality(_variant_ids) <> (select count(distinct id) from unnest(_variant_ids) id) then
        perform stockroom_api.refuse_value('lines', 'name the same variant twice');
    end if;
    perform stockroom_api.check_lines(_lines);
    perform stockroom_api.lock_variants(_variant_ids);
    perform stockroom_api.refuse_changed(_variant_ids, _seen);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
end $$;

-- Refuse with SK004 if a locked variant is not at the level that was seen.
create function stockroom_api.refuse_changed(_variant_ids uuid[], _seen int[]) returns void
    language plpgsql as $$
declare
    _changed jsonb := (
        select jsonb_agg(jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'seen', u.seen, 'on_hand', v.stock_quantity,
                   'since', stockroom_api.movements_since(v.id, u.seen)) order by v.sku)
          from unnest(_variant_ids, _seen) u (id, seen)
          join public.product_variants v on v.id = u.id
         where v.stock_quantity <> u.seen);
begin
    if _changed is not null then
        perform stockroom_api.refuse('SK004', 'The level has changed meanwhile.', jsonb_build_object('changed', _changed));
    end if;
end $$;

-- The movements after the level last stood at `_seen`, newest first, at most ten: what happened behind somebody's back.
create function stockroom_api.movements_since(_variant_id uuid, _seen int) returns jsonb
    language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object('movement_id', m.id, 'movement_type', m.movement_type, 'reason', m.reason,
               'quantity', m.quantity, 'quantity_after', m.quantity_after, 'performed_by', m.performed_by,
               'occurred_at', m.occurred_at) order by m.variant_sequence desc), '[]')
      from (select * from public.stock_movements
             where variant_id = _variant_id
               and variant_sequence > coalesce((
                   select max(variant_sequence) from public.stock_movements
                    where variant_id = _variant_id and quantity_after = _seen), 0)
             order by variant_sequence desc limit 10) m;
$$;

-- Undo: the opposite of each movement, linked to it, once. Sales and restorations belong to an order and are not undone here.
-- Refuses: as post_change, and SK005.
create function stockroom_api.post_undo(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _movement_ids bigint[], _note text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'undo', _movement_ids::text || coalesce(_note, ''), _user_id, _performed_by);
    _lines stockroom.line[];
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    _lines := array(
        select row (m.variant_id, m.movement_type, 'undo', -m.quantity, null, m.reference_type, m.reference_id, m.id, _note)
               ::stockroom.line
          from public.stock_movements m where m.id = any (_movement_ids) order by m.id desc);
    perform stockroom_api.lock_variants(array(select (l).variant_id from unnest(_lines) l));
    perform stockroom_api.refuse_undo(_movement_ids);
    perform stockroom_api.check_lines(_lines);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
end $$;

-- Refuse what cannot be undone: unknown, undone before, itself an undo, or kept by an order. The variants are locked.
create function stockroom_api.refuse_undo(_movement_ids bigint[]) returns void
    language plpgsql as $$
declare
    _bad record;
begin
    select u.id, m.id is null as unknown, r.id as reversed_by, r.performed_by, r.created_at, m.reason, m.movement_type, m.quantity
      into _bad
      from unnest(_movement_ids) u (id)
      left join public.stock_movements m on m.id = u.id
      left join public.stock_movements r on r.reverses_id = m.id
     where m.id is null or r.id is not null or m.reason = 'undo' or m.movement_type in ('sale', 'restoration') or m.quantity = 0
     order by u.id limit 1;
    if not found then
        return;
    end if;
    if _bad.reversed_by is not null then
        perform stockroom_api.refuse('SK005', 'This movement was undone already.', jsonb_build_object('movement_id', _bad.id,
            'reversed_by', _bad.reversed_by, 'performed_by', _bad.performed_by, 'reversed_at', _bad.created_at));
    end if;
    perform stockroom_api.refuse_value('movement', case
            when _bad.unknown then 'is not in the ledger'
            when _bad.reason = 'undo' then 'is an undo itself; post the change again instead'
            when _bad.quantity = 0 then 'moved nothing'
            else 'belongs to an order; change it there' end, jsonb_build_object('movement_id', _bad.id));
end $$;

grant execute on function
    stockroom_api.post_change(text, text, bigint, bigint, text[], text, text, text, uuid[], int[], text, text, text),
    stockroom_api.post_levels(text, text, bigint, bigint, text[], text, text, text, uuid[], int[], int[], text),
    stockroom_api.post_undo(text, bigint, bigint, text[], text, bigint[], text)
    to stockroom_app;
