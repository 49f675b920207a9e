-- The reasons for movements. Admins add, rename, retire and bring back reasons; the code of a reason never changes.

-- Why a reason cannot be retired, to be read after its name: Stockroom itself posts it. Null where it can be retired.
create function stockroom_api.reason_needed(_movement_type text, _reason text) returns text
    language sql immutable
    return case _movement_type || ' ' || _reason
        when _movement_type || ' undo' then 'is the reason of every undo'
        when 'sale stock_decrease' then 'is the reason of every paid order'
        when 'sale forced' then 'is the reason of an order that is shipped short'
        when 'sale exchange' then 'is the reason of a unit that goes out in an exchange'
        when 'restoration refund' then 'is the reason of refunded goods'
        when 'restoration cancelled_unshipped' then 'is the reason of a cancelled order'
        when 'restoration exchange' then 'is the reason of exchanged goods'
        when 'adjustment stock_increase' then 'is the reason when a storefront puts units back'
        when 'count initial_count' then 'is the reason of openings in catalogue and history imports'
        when 'count cycle_count' then 'is the reason of counts in history imports and of set levels'
        when 'count full_count' then 'is the reason of counts of everything'
        when 'purchase delivery' then 'is the reason of received deliveries'
    end;

-- Every reason by type, active ones first, with why it cannot be retired. Refuses: SK009, SK010.
create function stockroom_api.list_reasons(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (movement_type text, reason text, label text, sign int, note_required boolean, by_hand boolean,
                   is_active boolean, needed text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select r.movement_type, r.reason, r.label, r.sign, r.note_required, r.by_hand, r.is_active,
               stockroom_api.reason_needed(r.movement_type, r.reason)
          from stockroom.reasons r
         order by r.movement_type, r.is_active desc, r.by_hand desc, lower(r.label);
end $$;

-- The name of a reason in the record of changes.
create function stockroom_api.reason_called(_known stockroom.reasons) returns text
    language sql immutable
    return _known.label || ' (' || _known.movement_type || ', ' || _known.reason || ')';

-- Return a reason and lock all reasons until the transaction ends. Refuses: SK008 (there is no such reason).
create function stockroom_api.locked_reason(_movement_type text, _reason text) returns stockroom.reasons
    language plpgsql as $$
declare
    _known stockroom.reasons;
begin
    lock table stockroom.reasons in share row exclusive mode;
    select * into _known from stockroom.reasons r where r.movement_type = _movement_type and r.reason = _reason;
    if not found then
        perform stockroom_api.refuse_value('reason', format('"%s" does not belong to %s', _reason, _movement_type));
    end if;
    return _known;
end $$;

-- Refuse a label that another reason of the type has: people could not distinguish them.
create function stockroom_api.refuse_same_label(_movement_type text, _reason text, _label text) returns void
    language plpgsql as $$
declare
    _same stockroom.reasons;
begin
    select * into _same from stockroom.reasons r
     where r.movement_type = _movement_type and r.reason <> _reason and lower(r.label) = lower(_label);
    if found then
        perform stockroom_api.refuse_value('label', format('"%s" is already used by another reason of type %s%s', _same.label,
            _movement_type, case when _same.is_active then '' else '; bring that one back instead' end));
    end if;
end $$;

-- Add a reason and return its code: `_code`, with a number if another reason has that code. Sales and restorations belong to
-- orders, so their reasons are not offered in forms. Refuses: SK008 (the label is taken), SK009, SK010.
create function stockroom_api.add_reason(
    _user_id bigint, _session_id bigint, _roles text[], _name text,
    _movement_type text, _code text, _label text, _sign int, _note_required boolean
) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _free text := _code;
    _n int := 1;
    _added stockroom.reasons;
begin
    lock table stockroom.reasons in share row exclusive mode;
    perform stockroom_api.refuse_same_label(_movement_type, '', _label);
    while exists (select from stockroom.reasons r where r.movement_type = _movement_type and r.reason = _free) loop
        _n := _n + 1;
        _free := _code || '_' || _n;
    end loop;
    insert into stockroom.reasons (movement_type, reason, label, sign, note_required, by_hand)
    values (_movement_type, _free, _label, _sign, _note_required, _movement_type not in ('sale', 'restoration'))
    returning * into _added;
    perform stockroom_api.note_change(_user_id, _performed_by, 'reason_added', stockroom_api.reason_called(_added), null,
        jsonb_build_object('sign', _sign, 'note_required', _note_required));
    return _free;
end $$;

-- Give a reason another label; earlier movements show it too. Refuses: SK008, SK009, SK010.
create function stockroom_api.rename_reason(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _movement_type text, _reason text, _label text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _known stockroom.reasons := stockroom_api.locked_reason(_movement_type, _reason);
begin
    perform stockroom_api.refuse_same_label(_movement_type, _reason, _label);
    update stockroom.reasons r set label = _label where r.movement_type = _movement_type and r.reason = _reason;
    perform stockroom_api.note_change(_user_id, _performed_by, 'reason_renamed', stockroom_api.reason_called(_known),
        jsonb_build_object('label', _known.label), jsonb_build_object('label', _label));
end $$;

-- Retire a reason, so that nothing new is posted with it, or bring it back. Refuses: SK008 (needed, or the last one), SK009, SK010.
create function stockroom_api.set_reason_active(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _movement_type text, _reason text, _active boolean
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _known stockroom.reasons := stockroom_api.locked_reason(_movement_type, _reason);
    _needed text := stockroom_api.reason_needed(_movement_type, _reason);
begin
    if not _active and _needed is not null then
        perform stockroom_api.refuse_value('reason', format('"%s" cannot be retired: it %s', _known.label, _needed));
    end if;
    update stockroom.reasons r set is_active = _active where r.movement_type = _movement_type and r.reason = _reason;
    perform stockroom_api.note_change(_user_id, _performed_by,
        case when _active then 'reason_brought_back' else 'reason_retired' end, stockroom_api.reason_called(_known),
        jsonb_build_object('is_active', _known.is_active), jsonb_build_object('is_active', _active));
end $$;

grant execute on function
    stockroom_api.list_reasons(bigint, bigint, text[], text),
    stockroom_api.add_reason(bigint, bigint, text[], text, text, text, text, int, boolean),
    stockroom_api.rename_reason(bigint, bigint, text[], text, text, text, text),
    stockroom_api.set_reason_active(bigint, bigint, text[], text, text, text, boolean)
    to stockroom_app;
