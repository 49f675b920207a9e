-- Rows of a file that name the former SKU of a variant.

-- The rows of a catalogue, with the present SKU in place of a former one. A row stays as it is, and is refused, if another row of the file
-- is of that variant already.
create function stockroom_api.with_present_skus(_lines jsonb) returns jsonb
    language plpgsql stable as $$
declare
    _present jsonb;
begin
    if not exists (select from stockroom.variant_codes c where c.kind = 'former_sku') then
        return _lines;
    end if;
    select jsonb_object_agg(f.former, f.sku) into _present
      from (select distinct on (v.id) l.sku as former, v.sku
              from jsonb_to_recordset(_lines) l (line int, sku text)
              join stockroom.variant_codes c on c.code_key = stockroom.code_key(l.sku) and c.kind = 'former_sku'
              join public.product_variants v on v.id = c.variant_id
             where not exists (select from public.product_variants w where w.sku = l.sku)
             order by v.id, l.line) f
     where not exists (select from jsonb_to_recordset(_lines) o (sku text) where o.sku = f.sku);
    if _present is null then
        return _lines;
    end if;
    return (select jsonb_agg(l.row || jsonb_strip_nulls(jsonb_build_object('sku', _present -> (l.row ->> 'sku'))) order by l.n)
              from jsonb_array_elements(_lines) with ordinality l (row, n));
end $$;
