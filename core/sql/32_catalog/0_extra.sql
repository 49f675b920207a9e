-- The columns of the catalogue that a shop brought with it, and the values that an import gives them in new rows.

-- Columns of products and variants that are not ours and can be written: an adopted shop brought them. `fallback` is their default
-- if it is a plain value, `formula` if it is not. The shop's old table says which it requires, for a way back with `adopt --undo`.
create view stockroom_api.extra_columns as
select case c.relname when 'products' then 'product' else 'variant' end as of, c.relname::text as table_name, a.attname::text as name,
       format_type(a.atttypid, a.atttypmod) as type, t.typcategory in ('S', 'E', 'B') as is_word,
       a.attnotnull or exists (
           select from pg_attribute o
            where o.attrelid = to_regclass('public.' || c.relname || '_legacy') and o.attname = a.attname and o.attnotnull) as is_required,
       case when d.body ~ '^''([^'']|'''')*''(::.+)?$' then replace(substring(d.body from '^''((?:[^'']|'''')*)'''), '''''', '''')
            when d.body ~ '^(true|false|-?[0-9.]+)$' then d.body end as fallback,
       case when d.body !~ '^''([^'']|'''')*''(::.+)?$' and d.body !~ '^(true|false|-?[0-9.]+|NULL::.+)$' then d.body end as formula
  from pg_class c
  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '' and a.attidentity = ''
  join pg_type t on t.oid = a.atttypid
  left join lateral (select pg_get_expr(x.adbin, x.adrelid) as body from pg_attrdef x
                      where x.adrelid = c.oid and x.adnum = a.attnum) d on true
 where c.oid in ('public.products'::regclass, 'public.product_variants'::regclass)
   and a.attname <> all (case c.relname
       when 'products' then array['id', 'name', 'brand', 'image_url', 'price', 'created_at', 'updated_at']
       else array['id', 'product_id', 'sku', 'barcode', 'size', 'color', 'price', 'unit_cost', 'stock_quantity', 'reserved_quantity',
                  'computed_available_stock', 'reorder_point', 'stripe_price_id', 'is_active', 'movement_sequence', 'chain_head',
                  'last_moved_at', 'last_counted_at', 'created_at', 'updated_at', 'shelf_place'] end::name[]);

-- Our own columns that the old shop's tables require under the same name, with their old default if that is a plain value. Without a
-- value in new rows there would be no way back with `adopt --undo`.
create view stockroom_api.required_ours as
select c.of, a.attname::text as name,
       case when d.body ~ '^''([^'']|'''')*''(::.+)?$' then replace(substring(d.body from '^''((?:[^'']|'''')*)'''), '''''', '''') end
           as fallback
  from (values ('product', 'public.products_legacy', array['brand', 'price']),
               ('variant', 'public.product_variants_legacy', array['size', 'color', 'barcode', 'price', 'unit_cost'])) c (of, old, names)
  join pg_attribute a on a.attrelid = to_regclass(c.old) and a.attname = any (c.names::name[]) and a.attnotnull
  left join lateral (select pg_get_expr(x.adbin, x.adrelid) as body from pg_attrdef x
                      where x.adrelid = a.attrelid and x.adnum = a.attnum) d on true;

-- The old defaults of those columns, by name.
create function stockroom_api.ours_by_default(_of text) returns jsonb
    language sql stable as $$
    select coalesce(jsonb_object_agg(r.name, r.fallback), '{}') from stockroom_api.required_ours r where r.of = _of and r.fallback is not null
$$;

-- The shop's own columns with what existing rows have in them: how many rows there are and how many have a value, and, for words, the most
-- common one and in how many rows it is. Refuses: SK009, SK010.
create function stockroom_api.extra_facts(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (of text, name text, type text, is_required boolean, fallback text, formula text, total bigint, filled bigint,
                   common text, common_rows bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    _column record;
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    for _column in select * from stockroom_api.extra_columns x order by x.of, x.name limit 200 loop
        of := _column.of; name := _column.name; type := _column.type; is_required := _column.is_required;
        fallback := _column.fallback; formula := _column.formula; common := null; common_rows := null;
        execute format('select count(*), count(x.%I) from public.%I x', name, _column.table_name) into total, filled;
        if _column.is_word then
            execute format('select x.%1$I::text, count(*) from public.%2$I x where x.%1$I is not null group by 1 order by 2 desc, 1 limit 1',
                name, _column.table_name) into common, common_rows;
        end if;
        common_rows := coalesce(common_rows, 0);
        return next;
    end loop;
end $$;

-- Refuse values ({"product": {column: text}, "variant": {...}}) for columns that the shop does not have, or of another type.
-- Refuses: SK008.
create function stockroom_api.refuse_odd_extra(_extra jsonb) returns void
    language plpgsql stable as $$
declare
    _value record;
    _type text;
begin
    for _value in select o.key as of, v.key as name, v.value from jsonb_each(_extra) o, jsonb_each_text(o.value) v loop
        _type := (select x.type from stockroom_api.extra_columns x where x.of = _value.of and x.name = _value.name);
        if _type is null then
            perform stockroom_api.refuse_value(left(_value.name, 63), format('is no column that %ss of this shop have beside ours', _value.of));
        end if;
        begin
            execute format('select %L::%s', _value.value, _type);
        exception when data_exception or check_violation then
            perform stockroom_api.refuse_value(_value.name, format('cannot be "%s": its type is %s', left(_value.value, 100), _type));
        end;
    end loop;
end $$;

-- Refuse new rows without a value for a column that the shop requires and that has no default. Refuses: SK008.
create function stockroom_api.refuse_missing_extra(_products boolean, _variants boolean, _extra jsonb) returns void
    language plpgsql stable as $$
declare
    _missing text := (select string_agg(x.of || '.' || x.name, ', ' order by x.of, x.name) from stockroom_api.extra_columns x
                       where (_products and x.of = 'product' or _variants and x.of = 'variant')
                         and x.is_required and x.fallback is null and x.formula is null
                         and (_extra -> x.of ->> x.name) is null and (x.of, x.name) <> ('product', 'slug'));
begin
    if _missing is not null then
        perform stockroom_api.refuse_value('file', format(
            'adds rows without a value that this shop requires and has no default for: %s. Nothing was imported', _missing));
    end if;
end $$;

-- The columns and the values with which an insert gives new rows these values ($3): both begin with a comma, or are empty.
create function stockroom_api.extra_parts(_of text, _values jsonb) returns table (columns text, expressions text)
    language sql stable as $$
    select coalesce(string_agg(format(', %I', x.name), '' order by x.name), ''),
           coalesce(string_agg(format(', ($3 ->> %L)::%s', x.name, x.type), '' order by x.name), '')
      from stockroom_api.extra_columns x
     where x.of = _of and _values ? x.name
$$;

-- A name as part of an address: small letters and digits with hyphens between them.
create function stockroom_api.as_slug(_name text) returns text
    language sql immutable as $$
    select left(btrim(regexp_replace(regexp_replace(normalize(replace(lower(_name), 'ß', 'ss'), nfkd), '[\u0300-\u036f]', '', 'g'),
        '[^a-z0-9]+', '-', 'g'), '-'), 80)
$$;

-- An address for a new product that no product has: from its name, with its SKU if the name is taken (`_is_taken`: by another row of
-- the same file), with a number if that is taken as well.
create function stockroom_api.new_slug(_name text, _sku text, _is_taken boolean) returns text
    language plpgsql stable as $$
declare
    _base text := coalesce(nullif(stockroom_api.as_slug(_name), ''), 'product');
    _long text := btrim(_base || '-' || stockroom_api.as_slug(_sku), '-');
    _slug text := case when _is_taken then _long else _base end;
    _taken boolean;
begin
    for _n in 1 .. 1000 loop
        execute 'select exists (select from public.products p where p.slug::text = $1)' into _taken using _slug;
        exit when not _taken;
        _slug := case when _n = 1 then _long else format('%s-%s', _long, _n) end;
    end loop;
    return _slug;
end $$;

-- Whether products of this shop have prices of their own, so that a new one gets one.
create function stockroom_api.products_have_prices() returns boolean
    language sql stable security definer set search_path = pg_catalog, pg_temp
    return exists (select from public.products p where p.price is not null);

grant execute on function
    stockroom_api.extra_facts(bigint, bigint, text[], text), stockroom_api.products_have_prices() to stockroom_app;
