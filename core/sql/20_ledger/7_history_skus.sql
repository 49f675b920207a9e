-- The SKUs of a history file, in the shop's own writing.

-- The SKUs of the staged rows, each once.
create function stockroom_api.history_skus(_import_id bigint) returns text[]
    language sql stable as $$
    select array(select distinct h.sku from stockroom.history_rows h where h.import_id = _import_id);
$$;

-- Put the SKU of a variant in place of what a staged row calls it: another writing, its barcode or another code. New SKUs that
-- are written in two ways are one. Returns all SKUs. Refuses, with SK008, a code that two variants share, because a new variant with
-- it would be a third, and the code of a carton.
create function stockroom_api.name_history(_import_id bigint) returns text[]
    language plpgsql as $$
declare
    _skus text[] := stockroom_api.history_skus(_import_id);
    _names jsonb;
    _unclear record;
begin
    select jsonb_agg(n) into _names
      from (select h.sku as written, min(o.sku) as sku, count(distinct o.variant_id) as variants, max(o.units) as units,
                   string_agg(distinct o.sku, ', ') as skus
              from unnest(_skus) h (sku)
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
    if _names is not null then
        update stockroom.history_rows h set sku = n.sku
          from jsonb_to_recordset(_names) n (written text, sku text) where h.import_id = _import_id and h.sku = n.written;
        _skus := stockroom_api.history_skus(_import_id);
    end if;
    select jsonb_agg(n) into _names
      from (select x.sku as written, min(x.sku) over (partition by stockroom.code_key(x.sku)) as sku from unnest(_skus) x (sku)) n
     where n.sku <> n.written and not exists (select from public.product_variants v where v.sku = n.written);
    if _names is not null then
        update stockroom.history_rows h set sku = n.sku
          from jsonb_to_recordset(_names) n (written text, sku text) where h.import_id = _import_id and h.sku = n.written;
        _skus := stockroom_api.history_skus(_import_id);
    end if;
    return _skus;
end $$;

-- Refuse a SKU that differs only in letter case from one in the shop. A scanner finds both, so there can be only one. Refuses:
-- SK008.
create function stockroom_api.refuse_cased_skus(_skus text[]) returns void
    language plpgsql stable as $$
declare
    _cased record;
    _why text;
begin
    select h.sku, min(v.sku) as known
      into _cased
      from unnest(_skus) h (sku)
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

-- Create a product and a variant for every unknown SKU, with its latest name in the file. Plans may be generic, because the foreign key
-- check would otherwise be planned for each row.
create function stockroom_api.create_history_variants(_import_id bigint) returns bigint
    language sql set plan_cache_mode = auto as $$
    with last as (
        select h.sku, max(h.line) filter (where h.name is not null) as line
          from stockroom.history_rows h
         where h.import_id = _import_id
         group by h.sku
    ), unknown as materialized (
        select gen_random_uuid() as product_id, l.sku, coalesce(h.name, l.sku) as name
          from last l
          left join stockroom.history_rows h on h.import_id = _import_id and h.line = l.line
         where not exists (select from public.product_variants v where v.sku = l.sku)
         order by l.sku
    ), product as (
        insert into public.products (id, name) select u.product_id, u.name from unknown u
    ), variant as (
        insert into public.product_variants (product_id, sku) select u.product_id, u.sku from unknown u returning 1
    )
    select count(*) from variant;
$$;
