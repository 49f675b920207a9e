-- SKUs as files write them.

-- The shop's SKU for each written one that it has not: what only looks alike (other hyphens, spaces or composed letters, a GTIN with
-- other zeros), else a former SKU. A SKU in another letter case is not taken for the same.
create function stockroom_api.written_skus(_skus text[]) returns table (written text, sku text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with unknown as materialized (
        select w.written, stockroom.code_key(w.written) as key
          from unnest(_skus) w (written)
         where not exists (select from public.product_variants v where v.sku = w.written)
    )
    select u.written, coalesce(alike.sku, former.sku)
      from unknown u
      left join lateral (
          select min(v.sku) as sku from public.product_variants v
           where lower(stockroom.code_key(v.sku)) = lower(u.key) and stockroom.code_key(v.sku) = u.key) alike on true
      left join lateral (
          select min(v.sku) as sku from stockroom.variant_codes c join public.product_variants v on v.id = c.variant_id
           where c.code_key = u.key and c.kind = 'former_sku') former on true
     where coalesce(alike.sku, former.sku) is not null;
$$;

grant execute on function stockroom_api.written_skus(text[]) to stockroom_app;
