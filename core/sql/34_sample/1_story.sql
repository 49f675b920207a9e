-- The sample shop: an invented past, in a database that holds nothing else.

-- Whether this database was never used: no catalogue, no operation. A shop whose sample data was removed has been used.
create function stockroom_api.is_untouched() returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select not exists (select from public.products) and not exists (select from stockroom.operations);
$$;

-- Turn an empty shop into the sample shop. Any other is refused, because the ledger will hold an invented past.
create function stockroom_api.begin_sample(_shop_name text, _zone text, _currency text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from stockroom.shop for update;  -- of two that load at once, the second sees what the first has loaded
    if exists (select from public.products) or exists (select from public.stock_movements) then
        perform stockroom_api.refuse('SK008', 'The sample shop needs an empty database, and this one holds products. '
            'Nothing was changed.', '{"field": "shop", "why": "is not empty"}');
    end if;
    update stockroom.shop set name = _shop_name, zone = _zone, currency = _currency, is_sample = true;
end $$;

-- Post the operations of the sample shop in order, like any other operations, each at its own moment. Returns how many movements
-- were written.
create function stockroom_api.post_sample(_operations jsonb) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set plan_cache_mode = force_generic_plan as $$
declare
    _operation record;
    _operation_id bigint;
    _lines stockroom.line[];
begin
    if not (select is_sample from stockroom.shop) or exists (select from public.stock_movements) then
        perform stockroom_api.refuse_value('shop', 'is not an empty sample shop');
    end if;
    perform stockroom_api.lock_variants(array(select v.id from public.product_variants v));
    for _operation in
        select o.* from rows from (jsonb_to_recordset(_operations) as (
            key text, kind text, performed_by text, at timestamptz, movement_type text, reason text, skus text[],
            quantities int[], reference_type text, reference text, note text, undoes text)) with ordinality o
         order by o.ordinality
    loop
        _operation_id := stockroom_api.claim_operation(
            _operation.key, _operation.kind, _operation::text, null, _operation.performed_by);
        _lines := array(
            select row (v.id, _operation.movement_type, _operation.reason, u.quantity, _operation.at,
                        _operation.reference_type, _operation.reference, r.id, _operation.note)::stockroom.line
              from unnest(_operation.skus, _operation.quantities) with ordinality u (sku, quantity, n)
              join public.product_variants v on v.sku = u.sku
              left join stockroom.operations o on o.key = _operation.undoes
              left join public.stock_movements r on r.operation_id = o.id and r.variant_id = v.id
             order by u.n);
        perform stockroom_api.check_lines(_lines);
        perform stockroom_api.post_lines(_operation_id, _operation.performed_by, _lines);
    end loop;
    return (select count(*) from public.stock_movements);
end $$;

grant execute on function
    stockroom_api.is_untouched(),
    stockroom_api.begin_sample(text, text, text),
    stockroom_api.post_sample(jsonb)
    to stockroom_app;
