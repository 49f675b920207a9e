-- What a code means: a variant's SKU, its barcode, or a code that people gave it. Other files add codes and look up carts.

-- A text as it is compared: see the function in `stockroom`, which indexes use.
create function stockroom_api.folded(_text text) returns text
    language sql immutable strict parallel safe
    return stockroom.folded(_text, false);

-- A text as it is searched: compared alike if it has something to fold. The test is quick, for searches of a whole catalogue.
create function stockroom_api.searched(_text text) returns text
    language sql immutable parallel safe
    return case when octet_length(_text) > length(_text)
                     and _text ~ '[\u00A0\u00AD\u0300-\u036F\u1100-\u11FF\u1680\u2000-\u206F\u2212\u3000\u3099\u309A\uFE58\uFE63\uFEFF\uFF0D]'
                then stockroom.folded(_text, false) else _text end;

-- Every variant that has a code, each with all that it is to it. `rank`: 1 its SKU, barcode or a code of its own; 2 its present or
-- former SKU in another letter case.
create function stockroom_api.code_owners(_text text)
    returns table (variant_id uuid, sku text, kind text, code text, units int, rank int)
    language sql stable as $$
    select o.*
      from (select stockroom.code_key(_text) as key offset 0) k  -- once, not in each branch
     cross join lateral (
        select v.id, v.sku, 'sku', v.sku, 1, case when stockroom.folded(v.sku, true) = k.key then 1 else 2 end
          from public.product_variants v where lower(stockroom.folded(v.sku, true)) = lower(k.key)
        union all
        select v.id, v.sku, 'barcode', v.barcode, 1, 1
          from public.product_variants v where stockroom.folded(v.barcode, true) = k.key
        union all
        select v.id, v.sku, c.kind, c.code, c.units, 1
          from stockroom.variant_codes c join public.product_variants v on v.id = c.variant_id
         where c.code_key = k.key
        union all
        select v.id, v.sku, c.kind, c.code, 1, 2
          from stockroom.variant_codes c join public.product_variants v on v.id = c.variant_id
         where c.kind = 'former_sku' and lower(c.code_key) = lower(k.key)) o
$$;

-- The variants that a scanned or typed code can mean, each once, at most ten: those that have it, else those whose SKU it is in
-- another letter case. There are several only where old or foreign data give one code to several variants.
create function stockroom_api.code_choices(_text text) returns table (variant_id uuid, sku text, kind text, code text, units int)
    language plpgsql stable rows 2 security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
        select o.variant_id, o.sku, o.kind, o.code, o.units
          from (select distinct on (x.variant_id) x.*, min(x.rank) over () as best
                  from stockroom_api.code_owners(_text) x
                 order by x.variant_id, x.rank, x.kind in ('sku', 'barcode') desc, x.kind desc) o
         where o.rank = o.best
         order by o.sku
         limit 10;
end $$;

-- The variant that a scanned or typed code means, with the units that a scan of it counts; no row if none or several have it.
create function stockroom_api.find_code(_text text) returns table (variant_id uuid, sku text, kind text, code text, units int)
    language plpgsql stable rows 1 security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
        select x.variant_id, x.sku, x.kind, x.code, x.units
          from (select c.*, count(*) over () as n from stockroom_api.code_choices(_text) c) x
         where x.n = 1;
end $$;

-- Refuse a code that another variant has as its SKU, barcode or code, and name that variant. Waits for others who give codes.
create function stockroom_api.refuse_taken_code(_field text, _code text, _variant_id uuid) returns void
    language plpgsql as $$
declare
    _other record;
begin
    perform pg_advisory_xact_lock(hashtext('stockroom.catalog'));
    select o.variant_id, o.sku, o.kind into _other
      from stockroom_api.code_owners(_code) o
     where o.variant_id is distinct from _variant_id
     order by o.rank, o.sku limit 1;
    if found then
        perform stockroom_api.refuse_value(_field, format('%s is %s of another variant, %s. Nothing was changed', _code,
                case _other.kind when 'sku' then 'the SKU' when 'barcode' then 'the barcode' when 'former_sku' then 'a former SKU'
                else 'a code' end, _other.sku),
            jsonb_build_object('variant_id', _other.variant_id, 'sku', _other.sku));
    end if;
end $$;

-- Add a code to a variant and return its id. `_number` is the GTIN that a code written in short form means. Refuses: SK008.
create function stockroom_api.add_code(
    _variant_id uuid, _code text, _number text, _kind text, _units int, _performed_by text
) returns bigint
    language plpgsql as $$
declare
    _id bigint;
begin
    perform stockroom_api.refuse_taken_code('code', coalesce(_number, _code), _variant_id);
    if _kind in ('ean', 'upc') and stockroom.code_key(coalesce(_number, _code)) !~ '^[0-9]{14}$' then
        perform stockroom_api.refuse_value('code', format('%s is not a number with its right check digit', _code));
    elsif exists (select from stockroom_api.code_owners(coalesce(_number, _code)) o where o.rank = 1) then
        perform stockroom_api.refuse_value('code', format('%s belongs to this variant already. Nothing was changed', _code),
            '{"is_known": true}');
    end if;
    insert into stockroom.variant_codes (variant_id, kind, code, code_key, units, added_by)
    values (_variant_id, _kind, _code, stockroom.code_key(coalesce(_number, _code)), _units, _performed_by)
    returning id into _id;
    return _id;
end $$;

-- The codes that people gave a variant, in the order in which they came.
create view stockroom_api.codes as
select c.id as code_id, c.variant_id, c.kind, c.code, c.units, c.added_by, c.added_at from stockroom.variant_codes c;

grant select on stockroom_api.codes to stockroom_app;
grant execute on function
    stockroom_api.folded(text), stockroom_api.searched(text), stockroom_api.code_choices(text), stockroom_api.find_code(text)
    to stockroom_app;
