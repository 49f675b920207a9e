-- Rows of a file whose codes and names are those of the shop, written differently.

-- The rows of a catalogue, with the shop's own writing of each SKU, product and brand that is the same when compared: other spaces,
-- hyphens or composed letters, or a GTIN in another length. What could mean two of them stays as it is.
create function stockroom_api.with_known_names(_lines jsonb) returns jsonb
    language plpgsql stable as $$
declare
    _known jsonb;
begin
    with line as materialized (
        select l.line, l.sku, l.product, l.brand from jsonb_to_recordset(_lines) l (line int, sku text, product text, brand text)
    ), coded as (
        select x.line, k.sku
          from line x
         cross join lateral (
            select min(v.sku) as sku from public.product_variants v
             where lower(stockroom.folded(v.sku, true)) = lower(stockroom.code_key(x.sku))
               and stockroom.folded(v.sku, true) = stockroom.code_key(x.sku)
            having count(*) = 1 and min(v.sku) <> x.sku) k
    ), named as (
        select n.product, k.name
          from (select distinct x.product from line x) n
         cross join lateral (
            select min(p.name) as name from public.products p
             where lower(stockroom.folded(p.name, false)) = lower(stockroom.folded(n.product, false))
            having count(*) = 1 and min(lower(p.name)) <> lower(n.product)) k
    ), branded as (
        select n.brand, min(p.brand) as name
          from (select distinct x.brand, stockroom.folded(x.brand, false) as key from line x where x.brand is not null) n
          join (select distinct b.brand from public.products b where b.brand is not null) p
            on stockroom_api.searched(p.brand) = n.key or p.brand = n.brand
         group by n.brand
        having count(*) = 1 and min(p.brand) <> n.brand
    )
    select jsonb_object_agg(x.line::text, jsonb_strip_nulls(jsonb_build_object('sku', c.sku, 'product', n.name, 'brand', b.name)))
      into _known
      from line x
      left join coded c on c.line = x.line
      left join named n on n.product = x.product
      left join branded b on b.brand = x.brand
     where coalesce(c.sku, n.name, b.name) is not null;
    if _known is null then
        return _lines;
    end if;
    return (select jsonb_agg(l.row || coalesce(_known -> (l.row ->> 'line'), '{}') order by l.n)
              from jsonb_array_elements(_lines) with ordinality l (row, n));
end $$;

-- The rows of a catalogue whose new SKU or whose barcode another variant of the shop has, as its SKU, barcode or code. Left out: two
-- barcodes that are the same, which place_catalog finds, and a barcode that this catalogue changes.
create function stockroom_api.taken_codes(_lines jsonb) returns table (line int, field text, value text, why text)
    language sql stable as $$
    with line as materialized (
        select l.line, l.sku, l.barcode, v.id
          from jsonb_to_recordset(_lines) l (line int, sku text, barcode text)
          left join public.product_variants v on v.sku = l.sku
    ), asked as (
        select x.line, 'sku' as field, x.sku as code, x.id from line x where x.id is null
        union all
        select x.line, 'barcode', x.barcode, x.id from line x where x.barcode is not null
    )
    select distinct on (a.line, a.field) a.line, a.field, a.code,
           format(case o.kind when 'sku' then 'is the SKU %s in the shop' when 'barcode' then 'is the barcode of SKU %s in the shop'
                              when 'former_sku' then 'is the former SKU of %s, which is in the file too'
                              else 'is a code of SKU %s in the shop' end, o.sku)
      from asked a cross join lateral stockroom_api.code_owners(a.code) o
     where o.rank = 1 and o.variant_id is distinct from a.id and (a.field, o.kind) <> ('barcode', 'barcode')
       and not (o.kind = 'barcode' and exists (
               select from line y where y.id = o.variant_id and stockroom.code_key(y.barcode) <> stockroom.code_key(a.code)))
     order by a.line, a.field, o.sku
$$;
