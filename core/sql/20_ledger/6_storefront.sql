-- The function with which a storefront changes stock. Name, arguments and result are its contract; the ledger does the work.

-- Whether a storefront's text is neither too long nor has control characters; null is allowed.
create function stockroom_api.is_text(_text text, _longest int) returns boolean
    language sql immutable
    return _text is null or length(_text) between 1 and _longest and _text !~ '[\u0001-\u001f\u007f-\u009f]';

-- A storefront's change as a line: a negative one is a sale, a positive one an adjustment.
create function stockroom_api.storefront_line(_variant_id uuid, _change int, _reference_type text, _reference_id text)
    returns stockroom.line
    language sql immutable
    return row (_variant_id, case when _change < 0 then 'sale' else 'adjustment' end,
        case when _change < 0 then 'stock_decrease' else 'stock_increase' end, _change, null,
        _reference_type, _reference_id, null, null)::stockroom.line;

-- Refuse a storefront's text that is too long or has control characters; null is allowed. Refuses: SK008.
create function stockroom_api.check_text(_field text, _text text, _longest int) returns void
    language plpgsql as $$
begin
    if not stockroom_api.is_text(_text, _longest) then
        perform stockroom_api.refuse_value(_field, case when length(_text) between 1 and _longest
            then 'must not contain control characters' else format('must have 1 to %s characters', _longest) end);
    end if;
end $$;

-- Post a storefront's change. With a null key, a new one is used.
-- Refuses: SK001, SK002, SK003, SK008.
create function stockroom_api.post_from_storefront(
    _variant_id uuid, _change int, _key text, _reference_type text, _reference_id text, _actor text
) returns stockroom_api.posting
    language plpgsql as $$
declare
    _line stockroom.line := stockroom_api.storefront_line(_variant_id, _change, _reference_type, _reference_id);
    _name text := coalesce(_actor, 'Storefront');
    _known_key text := coalesce(_key, 'storefront:' || gen_random_uuid());
    _operation_id bigint;
    _posting stockroom_api.posting;
begin
    if _change is null or abs(_change::bigint) > 1000000 then
        perform stockroom_api.refuse_value('quantity change', 'must be between -1,000,000 and 1,000,000');
    end if;
    perform stockroom_api.check_text('reference type', _reference_type, 40);
    perform stockroom_api.check_text('reference id', _reference_id, 200);
    perform stockroom_api.check_text('actor', _name, 80);
    _operation_id := stockroom_api.claim_operation(_known_key, 'update_variant_stock', _line::text, null, _name);
    if _operation_id is null then
        select * into _posting from stockroom_api.replay(_known_key);
        return _posting;
    end if;
    perform stockroom_api.check_lines(array[_line]);
    perform stockroom_api.lock_free_of_expired(array[_variant_id]);
    select * into _posting from stockroom_api.post_lines(_operation_id, _name, array[_line]);
    return _posting;
end $$;

-- Change one variant and return the outcome as JSON. A refusal is an outcome too: `success` is false, nothing was changed, and
-- the numbers are the present ones. A repeat with the same key returns the first outcome.
create function stockroom_api.change_from_storefront(
    _variant_id uuid, _change int, _key text, _reference_type text, _reference_id text, _actor text
) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _posting stockroom_api.posting;
    _outcome jsonb := '{"success": true}';
    _error text;
    _code text;
begin
    begin
        _posting := stockroom_api.post_from_storefront(_variant_id, _change, _key, _reference_type, _reference_id, _actor);
    exception when sqlstate 'SK001' or sqlstate 'SK002' or sqlstate 'SK003' or sqlstate 'SK008' then
        get stacked diagnostics _error = message_text, _code = returned_sqlstate;
        _outcome := jsonb_build_object('success', false, 'error', _error, 'error_code', _code);
    end;
    return _outcome || (
        select jsonb_build_object('variant_id', w.id,
                   'previous_stock', coalesce(_posting.quantity_before, v.stock_quantity),
                   'new_stock', coalesce(_posting.quantity_after, v.stock_quantity),
                   'available_stock', coalesce(_posting.quantity_after, v.stock_quantity) - v.reserved_quantity,
                   'reserved_stock', v.reserved_quantity,
                   'change_applied', coalesce(_posting.quantity, 0),
                   'movement_id', m.id,
                   'timestamp', coalesce(m.created_at, now()))
          from (select _variant_id) w (id)
          left join public.product_variants v on v.id = w.id
          left join public.stock_movements m on m.id = _posting.movement_id);
end $$;

-- The everyday change: known reason, new key, enough stock, no expired hold. It writes and returns what change_from_storefront does (a
-- test compares them). In every other case it writes nothing and returns null. The key is written before the variant is locked, as
-- everywhere, so two calls with one key wait for each other there: the second finds it taken.
create function stockroom_api.everyday_change(
    _variant_id uuid, _change int, _key text, _reference_type text, _reference_id text, _actor text
) returns jsonb
    language plpgsql as $$
declare
    _type text := case when _change < 0 then 'sale' else 'adjustment' end;
    _reason text := case when _change < 0 then 'stock_decrease' else 'stock_increase' end;
    _name text := coalesce(_actor, 'Storefront');
    _operation_id bigint;
    _one record;
begin
    if not coalesce(_change between -1000000 and 1000000 and _change <> 0 and stockroom_api.is_text(_reference_type, 40)
                    and stockroom_api.is_text(_reference_id, 200) and stockroom_api.is_text(_name, 80)
                    and (_key is null or length(_key) between 1 and 200), false) then
        return null;
    end if;
    begin
        insert into stockroom.operations (key, kind, fingerprint, performed_by)
        select coalesce(_key, 'storefront:' || gen_random_uuid()), 'update_variant_stock',
               sha256(convert_to('update_variant_stock ' ||
                   stockroom_api.storefront_line(_variant_id, _change, _reference_type, _reference_id)::text, 'UTF8')), _name
          from stockroom_api.plain_reasons r
         where r.movement_type = _type and r.reason = _reason and r.sign <> -sign(_change)
        returning id into _operation_id;
        if _operation_id is null then
            return null;
        end if;
        _one := stockroom_api.post_one(_operation_id, _name, _variant_id, _type, _reason, _change, _reference_type, _reference_id,
                                       null, null, null);
        if _one.movement_id is null or _one.reserved > 0
           and exists (select from stockroom_api.expired_holds h where h.variant_id = _variant_id) then
            raise no_data_found;  -- which takes everything back
        end if;
    exception when no_data_found or unique_violation then
        return null;
    end;
    return jsonb_build_object('success', true, 'variant_id', _variant_id, 'previous_stock', _one.level - _change,
        'new_stock', _one.level, 'available_stock', _one.level - _one.reserved, 'reserved_stock', _one.reserved,
        'change_applied', _change, 'movement_id', _one.movement_id, 'timestamp', now());
end $$;

drop function if exists public.update_variant_stock(uuid, int, text, text, text, text);

-- The storefront's atomic call. The last four arguments are optional, so that older callers continue to work.
create function public.update_variant_stock(
    variant_id uuid, quantity_change int,
    idempotency_key text default null, reference_type text default null, reference_id text default null, actor text default null
) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
begin
    return coalesce(stockroom_api.everyday_change(variant_id, quantity_change, idempotency_key, reference_type, reference_id, actor),
                    stockroom_api.change_from_storefront(variant_id, quantity_change, idempotency_key, reference_type, reference_id, actor));
end $$;
revoke all on function public.update_variant_stock(uuid, int, text, text, text, text) from public;
grant execute on function public.update_variant_stock(uuid, int, text, text, text, text) to stockroom_app;

-- On Supabase, only the storefront's server may bypass row level security to read the contract's tables, and call its functions.
do $$
declare
    _role text;
begin
    foreach _role in array array['anon', 'authenticated'] loop
        if exists (select from pg_roles where rolname = _role) then
            execute format('revoke all on function public.update_variant_stock(uuid, int, text, text, text, text) from %I', _role);
        end if;
    end loop;
    if exists (select from pg_roles where rolname = 'service_role') then
        grant select on public.products, public.product_variants, public.stock_movements to service_role;
        grant execute on function public.update_variant_stock(uuid, int, text, text, text, text) to service_role;
    end if;
end $$;
