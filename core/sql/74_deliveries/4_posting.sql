-- Posting what was counted of a delivery as one receipt, and ending or reopening the delivery. Undo is in 50_orders/5_undo.sql.

-- Post the counted units of every line that has a variant, as one operation. With `_closes`, what is missing is short and no longer
-- expected; else it stays expected. The delivery is received once nothing is expected and no counted line is unknown.
-- Refuses: SK001, SK002, SK003, SK008, SK009, SK010.
create function stockroom_api.post_goods(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _delivery_id bigint, _seen int, _closes boolean, _note text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'receive_delivery',
        format('%L %L %L', _delivery_id, _closes, _note), _user_id, _who);
    _delivery stockroom.goods_deliveries;
    _lines stockroom.line[];
    _costs numeric[];
    _posted stockroom_api.posting[] := '{}';
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    _delivery := stockroom_api.lock_goods_delivery(_delivery_id);
    perform stockroom_api.refuse_moved_goods(_delivery, _seen);
    select coalesce(array_agg(row (l.variant_id, 'purchase', 'delivery', l.scanned, null, 'receipt', _delivery.reference, null, _note)
                              ::stockroom.line order by l.id), '{}'),
           array_agg(l.unit_cost order by l.id)
      into _lines, _costs
      from stockroom.goods_lines l
     where l.delivery_id = _delivery_id and l.variant_id is not null and l.scanned > 0;
    if cardinality(_lines) = 0 then
        perform stockroom_api.refuse_empty_goods(_delivery_id, _closes);
    else
        perform stockroom_api.check_lines(_lines);
        perform stockroom_api.lock_variants(array(select (l).variant_id from unnest(_lines) l));
        _posted := array(select p from stockroom_api.post_lines(_operation_id, _who, _lines, _costs => _costs) p);
        return query select p.* from unnest(_posted) p;
    end if;
    -- A variant has one line. A join of thousands of lines would be planned as if they were a few, so each is looked up.
    insert into stockroom.goods_movements (movement_id, line_id)
    select p.movement_id, (select l.id from stockroom.goods_lines l where l.delivery_id = _delivery_id and l.variant_id = p.variant_id)
      from unnest(_posted) p;
    update stockroom.goods_lines l set received = l.received + l.scanned, scanned = 0
     where l.delivery_id = _delivery_id and l.variant_id is not null and l.scanned > 0;
    _delivery := stockroom_api.touch_goods(_delivery_id);
    perform stockroom_api.settle_goods(_delivery, _who, _closes);
    perform stockroom_api.note_goods(_delivery, _operation_id, 'posted', _who, null,
        (select coalesce(sum((l).quantity), 0)::int from unnest(_lines) l), case when _closes then 'the rest will not come' end);
end $$;

-- Refuse to post a delivery of which nothing is counted, unless it is only to be closed. Refuses: SK008.
create function stockroom_api.refuse_empty_goods(_delivery_id bigint, _closes boolean) returns void
    language plpgsql as $$
begin
    if exists (select from stockroom.goods_lines l where l.delivery_id = _delivery_id and l.variant_id is null and l.scanned > 0) then
        perform stockroom_api.refuse_value('delivery', 'has only units of unknown codes. Attach them to variants first');
    elsif not exists (select from stockroom.goods_lines l where l.delivery_id = _delivery_id and l.received > 0) then
        perform stockroom_api.refuse_value('delivery', 'has no counted units. Scan what arrived, or cancel the delivery');
    elsif not _closes then
        perform stockroom_api.refuse_value('delivery', 'has no newly counted units. Scan what arrived, or say that the rest will not come');
    end if;
end $$;

-- Close a delivery after a posting, if nothing of it is expected any more and nothing counted is unknown.
create function stockroom_api.settle_goods(_delivery stockroom.goods_deliveries, _who text, _closes boolean) returns void
    language sql as $$
    update stockroom.goods_deliveries d
       set state = 'received', closed_by = _who, closed_at = now()
     where d.id = _delivery.id
       and not exists (select from stockroom.goods_lines l
                        where l.delivery_id = d.id
                          and ((l.variant_id is null and l.scanned > 0)
                               or (not _closes and (l.received < l.expected or l.problem is not null))));
$$;

-- Cancel an open delivery of which nothing was received, or open a closed one again. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.turn_goods(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _delivery_id bigint, _is_cancelled boolean
) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'turn_delivery', format('%L %L', _delivery_id, _is_cancelled), _user_id, _who);
    _delivery stockroom.goods_deliveries;
begin
    if _operation_id is null then
        return (select d.state from stockroom.goods_deliveries d where d.id = _delivery_id);
    end if;
    if _is_cancelled then
        _delivery := stockroom_api.lock_goods_delivery(_delivery_id);
        if exists (select from stockroom.goods_lines l where l.delivery_id = _delivery_id and l.received > 0) then
            perform stockroom_api.refuse_value('delivery', 'was received in part. Undo its receipt first, or say that the rest will not come');
        end if;
    else
        select d.* into _delivery from stockroom.goods_deliveries d where d.id = _delivery_id for no key update;
        if _delivery.id is null or _delivery.state in ('expected', 'in_progress') then
            perform stockroom_api.refuse_value('delivery', 'is open already');
        end if;
    end if;
    update stockroom.goods_deliveries d
       set state = case when _is_cancelled then 'cancelled' else 'in_progress' end, revision = d.revision + 1,
           closed_by = case when _is_cancelled then _who end, closed_at = case when _is_cancelled then now() end
     where d.id = _delivery_id
    returning d.* into _delivery;
    perform stockroom_api.note_goods(_delivery, _operation_id, case when _is_cancelled then 'cancelled' else 'reopened' end, _who);
    return _delivery.state;
end $$;

grant execute on function
    stockroom_api.post_goods(bigint, bigint, text[], text, text, bigint, int, boolean, text),
    stockroom_api.turn_goods(bigint, bigint, text[], text, text, bigint, boolean)
    to stockroom_app;
