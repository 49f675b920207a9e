-- The SKUs of a history file, in the shop's own writing.

-- Put the SKU of a variant in place of what a staged row calls it: another writing, its barcode or another code. New SKUs that
-- are written in two ways are one. Refuses, with SK008, a code that two variants share, because a new variant with it would be a third, and the code of a carton.
create function stockroom_api.name_history(_import_id bigint) returns void
    language plpgsql as $$
declare
    _names jsonb;
    _unclear record;
begin
    select jsonb_agg(n) into _names
      from (select h.sku as written, min(o.sku) as sku, count(distinct o.variant_id) as variants, max(o.units) as units,
                   string_agg(distinct o.sku, ', ') as skus
              from (select distinct x.sku from stockroom.history_rows x where x.import_id = _import_id) h
             cross join lateral stockroom_api.code_owners(h.sku) o
             where o.rank = 1 and not exists (select from public.product_variants v where v.sku = h.sku)
             group by h.sku) n;
    select * into _unclear
      from jsonb_to_recordset(_names) n (written text, variants int, units int, skus text)
     where n.variants > 1 or n.units > 1 order by n.written limit 1;
    if found then
        perform stockroom_api.refuse_value('SKU', format('"%s" is %s: %s', _unclear.written,
            case when _unclear.variants > 1 then 'a code of several variants' else 'the code of a carton, whose units are unclear' end,
            _unclear.skus));
    end if;
    update stockroom.history_rows h set sku = n.sku
      from jsonb_to_recordset(_names) n (written text, sku text) where h.import_id = _import_id and h.sku = n.written;
    update stockroom.history_rows h set sku = n.sku
      from (select x.sku as written, min(x.sku) over (partition by stockroom.code_key(x.sku)) as sku
              from (select distinct y.sku from stockroom.history_rows y where y.import_id = _import_id) x) n
     where h.import_id = _import_id and h.sku = n.written and n.sku <> n.written
       and not exists (select from public.product_variants v where v.sku = n.written);
end $$;

-- Refuse a SKU that differs only in letter case from one in the shop. A scanner finds both, so there can be only one. Refuses:
-- SK008.
create function stockroom_api.refuse_cased_skus(_import_id bigint) returns void
    language plpgsql stable as $$
declare
    _cased record;
    _why text;
begin
    select h.sku, min(v.sku) as known
      into _cased
      from (select distinct x.sku from stockroom.history_rows x where x.import_id = _import_id) h
      join public.product_variants v on lower(v.sku) = lower(h.sku) and v.sku <> h.sku
     where not exists (select from public.product_variants same where same.sku = h.sku)
     group by h.sku
     order by h.sku
     limit 1;
    if found then
        _why := format('"%s" differs only in letter case from "%s" in the shop', _cased.sku, _cased.known);
        perform stockroom_api.refuse('SK008', format('SKU %s.', _why), jsonb_build_object('field', 'sku', 'why', _why));
    end if;
end $$;

-- Create a product and a variant for every unknown SKU, with its latest name in the file.
create function stockroom_api.create_history_variants(_import_id bigint) returns bigint
    language sql as $$
    with named as (
        -- The latest name: the greatest pair of place and name, which needs no sort.
        select h.sku, (max(array[lpad(h.line::text, 10, '0'), h.name]) filter (where h.name is not null))[2] as name
          from stockroom.history_rows h
         where h.import_id = _import_id
         group by h.sku
    ), unknown as materialized (
        select gen_random_uuid() as product_id, n.sku, coalesce(n.name, n.sku) as name
          from named n
         where not exists (select from public.product_variants v where v.sku = n.sku)
         order by n.sku
    ), product as (
        insert into public.products (id, name) select u.product_id, u.name from unknown u
    ), variant as (
        insert into public.product_variants (product_id, sku) select u.product_id, u.sku from unknown u returning 1
    )
    select count(*) from variant;
$$;
