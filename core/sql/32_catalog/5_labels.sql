-- What a printed label says of a variant.

-- Labels in the order of `_variant_ids`. The code to print is the barcode, else the first number that people gave it, else the SKU.
create function stockroom_api.labels_of(_variant_ids uuid[])
    returns table (variant_id uuid, sku text, name text, size text, color text, code text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select v.id, v.sku, p.name, v.size, v.color, coalesce(nullif(btrim(v.barcode), ''), c.code, v.sku)
      from unnest(_variant_ids) with ordinality w (id, n)
      join public.product_variants v on v.id = w.id
      join public.products p on p.id = v.product_id
      left join lateral (select x.code from stockroom.variant_codes x
                          where x.variant_id = v.id and x.kind in ('ean', 'upc') order by x.id limit 1) c on true
     order by w.n;
$$;

-- The units that an operation put on the shelf, by variant, in its order: as many labels are printed for a receipt.
create function stockroom_api.units_of_operation(_operation_id bigint) returns table (variant_id uuid, sku text, units bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select m.variant_id, v.sku, sum(m.quantity)
      from public.stock_movements m
      join public.product_variants v on v.id = m.variant_id
     where m.operation_id = _operation_id
     group by m.variant_id, v.sku
    having sum(m.quantity) > 0
     order by min(m.id);
$$;

grant execute on function stockroom_api.labels_of(uuid[]), stockroom_api.units_of_operation(bigint) to stockroom_app;
