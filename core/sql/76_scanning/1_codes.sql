-- TEMPORARY until 15_codes is merged.

-- What a scanned or typed text means: at most one variant.
create function stockroom_api.find_code(_text text)
    returns table (variant_id uuid, sku text, kind text, code text, units int)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select v.id, v.sku, 'sku', v.sku, 1 from public.product_variants v
     where v.sku = _text or v.barcode = _text order by v.sku = _text desc limit 1;
$$;
