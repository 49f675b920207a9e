-- Changes by hand: adjust and receive (set is in 8_levels.sql, undo in 50_orders/5_undo.sql). Each checks the person, claims its
-- key, locks the variants, and posts to the ledger.

-- Refuse costs that no receipt can have: of other movements, below zero or above a billion, with more than four decimals.
create function stockroom_api.check_costs(_movement_type text, _quantities int[], _costs numeric[]) returns void
    language plpgsql immutable as $$
declare
    _odd record;
begin
    select u.n, case when _movement_type <> 'purchase' or u.quantity <= 0 then 'belongs to a receipt of units'
                     when u.cost not between 0 and 1000000000 then 'must be between 0 and 1,000,000,000'
                     else 'has at most four decimals' end as why
      into _odd
      from unnest(_quantities, _costs) with ordinality u (quantity, cost, n)
     where u.cost is not null
       and (_movement_type <> 'purchase' or u.quantity <= 0 or u.cost not between 0 and 1000000000 or scale(trim_scale(u.cost)) > 4)
     limit 1;
    if found then
        perform stockroom_api.refuse_value('unit cost', _odd.why, jsonb_build_object('line', _odd.n));
    end if;
end $$;

-- The lines of a person's change.
create function stockroom_api.lines_by_hand(
    _movement_type text, _reason text, _variant_ids uuid[], _quantities int[], _reference_type text, _reference_id text, _note text
) returns stockroom.line[]
    language sql immutable
    return array(
        select row (u.variant_id, _movement_type, _reason, u.quantity, null, _reference_type, _reference_id, null, _note)::stockroom.line
          from unnest(_variant_ids, _quantities) with ordinality u (variant_id, quantity, n) order by u.n);

-- Post a person's change: one type, reason, reference and note for all lines; `_quantities` are signed units, `_costs` what one unit
-- of each line of a receipt cost, where that is known.
-- Refuses: SK001, SK002, SK003, SK008, SK009, SK010.
create function stockroom_api.post_change(
    _key text, _kind text, _user_id bigint, _session_id bigint, _roles text[], _name text,
    _movement_type text, _reason text, _variant_ids uuid[], _quantities int[],
    _reference_type text default null, _reference_id text default null, _note text default null, _costs numeric[] default null
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, _kind,
        format('%L %L %L %L %L %L %L', _movement_type, _reason, _variant_ids, _quantities, _reference_type, _reference_id, _note)
            || coalesce(' ' || _costs::text, ''),
        _user_id, _performed_by);
    _one record;
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    if not coalesce(cardinality(_variant_ids) = 1 and _quantities[1] <> 0 and _reason <> 'undo', false)
       or not exists (select from stockroom_api.plain_reasons r
                       where r.movement_type = _movement_type and r.reason = _reason and r.sign <> -sign(_quantities[1])) then
        perform stockroom_api.check_lines(stockroom_api.lines_by_hand(_movement_type, _reason, _variant_ids, _quantities, _reference_type,
                                                                      _reference_id, _note));
    end if;
    if _costs is not null then
        perform stockroom_api.check_costs(_movement_type, _quantities, _costs);
    end if;
    if cardinality(_variant_ids) = 1 then
        _one := stockroom_api.post_one(_operation_id, _performed_by, _variant_ids[1], _movement_type, _reason, _quantities[1],
            _reference_type, _reference_id, null, _note, _costs[1]);
        if _one.movement_id is not null then
            return next row (_operation_id, false, _one.movement_id, _variant_ids[1], _one.sku, _movement_type, _reason,
                _quantities[1], _one.level - _quantities[1], _one.level, _one.sequence)::stockroom_api.posting;
            return;
        end if;
    end if;
    perform stockroom_api.lock_variants(_variant_ids);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, stockroom_api.lines_by_hand(_movement_type, _reason,
        _variant_ids, _quantities, _reference_type, _reference_id, _note), _costs => _costs);
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
        perform stockroom_api.refuse('SK004', 'The level has changed in the meantime.', jsonb_build_object('changed', _changed));
    end if;
end $$;

-- The movements since the level was last `_seen`, newest first, at most ten.
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

grant execute on function
    stockroom_api.post_change(text, text, bigint, bigint, text[], text, text, text, uuid[], int[], text, text, text, numeric[])
    to stockroom_app;
