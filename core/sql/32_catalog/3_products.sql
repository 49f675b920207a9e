-- A product typed on a page: a catalogue whose rows are all new.

-- Refuse rows whose SKU the shop has already; and, unless `_to_known`, a product that it has already. An import would change both.
-- Refuses: SK008 (`is_known`: the product is known).
create function stockroom_api.refuse_known(_plan stockroom_api.catalog_plan[], _to_known boolean) returns void
    language plpgsql stable as $$
declare
    _known record;
begin
    select (x.l).sku, p.name, v.size into _known
      from unnest(_plan) x
      join public.product_variants v on v.id = x.variant_id
      join public.products p on p.id = v.product_id
     order by (x.l).line limit 1;
    if found then
        perform stockroom_api.refuse_value('SKU', format('%s is in the shop already: it belongs to "%s"%s', _known.sku, _known.name,
            coalesce(format(', size %s', _known.size), '')));
    end if;
    select (x.l).brand as typed, p.name, p.brand, (select string_agg(v.sku, ', ' order by v.sku) from (
               select v.sku from public.product_variants v where v.product_id = p.id order by v.sku limit 5) v) as skus
      into _known
      from unnest(_plan) x
      join public.products p on p.id = x.product_id
     order by (x.l).line limit 1;
    if found and not _to_known then
        perform stockroom_api.refuse_value('product', format('"%s" is in the shop already%s. If you mean that product, add these sizes to it',
            _known.name, coalesce(format(', with the SKUs %s', _known.skus), '')), '{"is_known": true}');
    elsif found and _known.typed <> _known.brand then
        perform stockroom_api.refuse_value('brand', format('"%s" is not that of "%s", which is "%s"', _known.typed, _known.name, _known.brand),
            '{"is_known": true}');
    end if;
end $$;

-- Add a product with its variants and their initial count, or with `_to_known` add variants to a known product. Everything else is as
-- in `import_catalog`, which does the work. Refuses: as it does, and what the shop has already (SK008).
create function stockroom_api.add_product(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _lines jsonb, _to_known boolean, _into_sample boolean,
    _extra jsonb
) returns table (operation_id bigint, replayed boolean, products_added bigint, variants_added bigint, variants_known bigint,
                 variants_counted bigint, units_counted bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_custom_plan as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    perform pg_advisory_xact_lock(hashtext('stockroom.catalog'));
    if not exists (select from stockroom.operations o where o.key = _key) then
        perform stockroom_api.refuse_known(array(
            select x from stockroom_api.plan_catalog(stockroom_api.with_known_names(stockroom_api.with_present_skus(_lines))) x), _to_known);
    end if;
    return query select * from stockroom_api.import_catalog(
        _key, _user_id, _session_id, _roles, _name, 'New product', _lines, _into_sample, _extra);
end $$;

grant execute on function
    stockroom_api.add_product(text, bigint, bigint, text[], text, jsonb, boolean, boolean, jsonb) to stockroom_app;
