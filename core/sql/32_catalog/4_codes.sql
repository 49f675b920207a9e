-- People give codes to a variant and take them away.

-- Give a code to a variant. Returns its id. Refuses: SK001, SK003, SK008 (another variant has it), SK009, SK010.
create function stockroom_api.attach_code(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _variant_id uuid, _code text, _number text, _kind text,
    _units int
) returns table (code_id bigint, replayed boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _sku text;
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'attach_code', concat_ws(' ', _variant_id, _kind, _units, _code), _user_id, _performed_by);
begin
    if _operation_id is null then
        return query select (select c.id from stockroom.variant_codes c
                              where c.code_key = stockroom.code_key(coalesce(_number, _code)) and c.variant_id = _variant_id), true;
        return;
    end if;
    select v.sku into _sku from public.product_variants v where v.id = _variant_id;
    if _sku is null then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.',
            jsonb_build_object('variants', jsonb_build_array(_variant_id)));
    elsif _kind not in ('ean', 'upc', 'carton', 'supplier') then
        perform stockroom_api.refuse_value('kind', 'must be ean, upc, carton or supplier');
    end if;
    code_id := stockroom_api.add_code(_variant_id, _code, _number, _kind, _units, _performed_by);
    replayed := false;
    perform stockroom_api.note_change(_user_id, _performed_by, 'code_attached', 'variant ' || _sku, null,
        jsonb_build_object('code', _code, 'kind', _kind, 'units', _units));
    return next;
end $$;

-- Take a code away from its variant. A former SKU stays: old carts and files name it. Refuses: SK008, SK009, SK010.
create function stockroom_api.detach_code(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _code_id bigint
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _gone record;
begin
    delete from stockroom.variant_codes c using public.product_variants v
     where c.id = _code_id and v.id = c.variant_id and c.kind <> 'former_sku'
    returning v.sku, c.code, c.kind, c.units into _gone;
    if found then
        perform stockroom_api.note_change(_user_id, _performed_by, 'code_detached', 'variant ' || _gone.sku,
            jsonb_build_object('code', _gone.code, 'kind', _gone.kind, 'units', _gone.units), null);
    elsif exists (select from stockroom.variant_codes c where c.id = _code_id) then
        perform stockroom_api.refuse_value('code', 'is a former SKU, which carts and files may still name. Nothing was changed');
    end if;
end $$;

grant execute on function
    stockroom_api.attach_code(bigint, bigint, text[], text, text, uuid, text, text, text, int),
    stockroom_api.detach_code(bigint, bigint, text[], text, bigint)
    to stockroom_app;
