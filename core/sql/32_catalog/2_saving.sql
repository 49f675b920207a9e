-- Import of a catalogue: its plan, from 1_imports.sql, is carried out.

-- Import a catalogue, all of it or nothing: products, variants, and one operation that counts the openings. `_extra`: values for the
-- shop's own columns. Refuses: SK003, SK008 (`problems`; the sample data; a rule of the shop's own tables), SK009, SK010.
create function stockroom_api.import_catalog(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _file_name text, _lines jsonb,
    _into_sample boolean, _extra jsonb
) returns table (operation_id bigint, replayed boolean, products_added bigint, variants_added bigint, variants_known bigint,
                 variants_counted bigint, units_counted bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_custom_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _at timestamptz;
    _operation_id bigint;
    _plan stockroom_api.catalog_plan[];
begin
    -- One catalogue at a time, because two may have the same new SKU. Selling continues.
    perform pg_advisory_xact_lock(hashtext('stockroom.catalog'));
    -- Rows with this moment were added by this import. Under the lock, no two imports have the same moment.
    _at := clock_timestamp();
    _operation_id := stockroom_api.claim_operation(_key, 'import_catalog', _lines::text || coalesce(nullif(_extra::text, '{}'), ''), _user_id, _performed_by, _at);
    _lines := stockroom_api.with_known_names(stockroom_api.with_present_skus(_lines));
    if _operation_id is not null then
        perform stockroom_api.refuse_sample_shop(_into_sample);
        perform stockroom_api.lock_variants(array(
            select v.id from jsonb_populate_recordset(null::stockroom_api.catalog_line, _lines) l
              join public.product_variants v on v.sku = l.sku));
        perform stockroom_api.refuse_odd_extra(_extra);
        _plan := array(select x from stockroom_api.plan_catalog(_lines) x);
        perform stockroom_api.refuse_bad_rows(_plan);
        perform stockroom_api.refuse_missing_extra(bool_or(x.product_id is null), bool_or(x.variant_id is null), _extra) from unnest(_plan) x;
        begin
            perform stockroom_api.save_products(_plan, _at, coalesce(_extra -> 'product', '{}'));
            perform stockroom_api.add_variants(_plan, _at, coalesce(_extra -> 'variant', '{}'));
        exception when check_violation or not_null_violation or unique_violation or foreign_key_violation then
            perform stockroom_api.refuse_value('file', format('breaks a rule of the shop: %s. Nothing was imported', sqlerrm));
        end;
        perform stockroom_api.change_variants(_plan);
        perform stockroom_api.cost_from_catalogue(_operation_id, _performed_by,
            array(select x.variant_id from unnest(_plan) x where x.status = 'change' and (x.l).unit_cost is not null));
        perform stockroom_api.note_import(_plan, _operation_id, _user_id, _performed_by,
            case when _file_name = 'New product' then 'page' else 'file' end);
        perform stockroom_api.post_openings(_operation_id, _performed_by, _file_name, _plan);
    end if;
    return query select * from stockroom_api.told_catalog(_key, _operation_id is null, _lines);
end $$;

-- Refuse a plan with bad rows and name them all.
create function stockroom_api.refuse_bad_rows(_plan stockroom_api.catalog_plan[]) returns void
    language plpgsql as $$
declare
    _problems jsonb := (
        select jsonb_agg(problem || jsonb_build_object('line', (x.l).line) order by (x.l).line)
          from unnest(_plan) x, jsonb_array_elements(x.problems) problem
         where x.status = 'error');
begin
    if _problems is not null then
        perform stockroom_api.refuse_value('file', 'contradicts the catalogue of the shop',
            jsonb_build_object('problems', _problems));
    end if;
end $$;

-- Add the new products, and rename or re-brand the known ones. A new one gets the shop's own columns: a slug made from its name
-- where there is one, and its lowest price where products have prices. The names of the columns are those of the table.
create function stockroom_api.save_products(_plan stockroom_api.catalog_plan[], _at timestamptz, _values jsonb) returns void
    language plpgsql as $$
declare
    _has_slug boolean := exists (select from stockroom_api.extra_columns x where x.of = 'product' and x.name = 'slug')
                         and not _values ? 'slug';
    _has_price boolean := stockroom_api.products_have_prices();
    _ours jsonb := stockroom_api.ours_by_default('product');
    _parts record;
begin
    select * into _parts from stockroom_api.extra_parts('product', _values);
    execute format($q$
        insert into public.products (name, brand, created_at, price%s%s)
        select n.name, n.brand, $2, n.price%s%s
          from (select (x.l).product as name, coalesce(max((x.l).brand), $5 ->> 'brand') as brand, case when $4 then min((x.l).price) end as price,
                       (array_agg((x.l).sku order by (x.l).line))[1] as sku,
                       row_number() over (partition by stockroom_api.as_slug((x.l).product) order by min((x.l).line)) > 1 as is_taken
                  from unnest($1) x where x.product_id is null group by (x.l).product) n$q$,
        case when _has_slug then ', slug' end, _parts.columns,
        case when _has_slug then ', stockroom_api.new_slug(n.name, n.sku, n.is_taken)' end, _parts.expressions)
        using _plan, _at, _values, _has_price, _ours;
    update public.products p
       set name = coalesce(x.name, p.name), brand = coalesce(x.brand, p.brand), updated_at = now()
      from (select x.product_id, max((x.l).product) filter (where x.variant_id is not null) as name, max((x.l).brand) as brand
              from unnest(_plan) x group by 1) x
     where p.id = x.product_id
       and (coalesce(x.name, p.name), coalesce(x.brand, p.brand, '')) <> (p.name, coalesce(p.brand, ''));
end $$;

-- Add the new variants. If one of them has appeared in the meantime, for example from a storefront, retry the whole import.
create function stockroom_api.add_variants(_plan stockroom_api.catalog_plan[], _at timestamptz, _values jsonb) returns void
    language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
    _expected bigint := (select count(*) from unnest(_plan) x where x.variant_id is null);
    _added bigint;
    _parts record;
begin
    select * into _parts from stockroom_api.extra_parts('variant', _values);
    execute format($q$
        insert into public.product_variants
               (product_id, sku, barcode, size, color, price, unit_cost, reorder_point, shelf_place, is_active, created_at%s)
        select coalesce(x.product_id, p.id), (x.l).sku, (x.l).barcode, coalesce((x.l).size, $4 ->> 'size'),
               coalesce((x.l).color, $4 ->> 'color'), (x.l).price, (x.l).unit_cost,
               coalesce((x.l).reorder_point, 0), (x.l).shelf_place, coalesce((x.l).active, true), $2%s
          from unnest($1) x
          left join public.products p on x.product_id is null and p.name = (x.l).product
         where x.variant_id is null
            on conflict (sku) do nothing$q$, _parts.columns, _parts.expressions)
        using _plan, _at, _values, stockroom_api.ours_by_default('variant');
    get diagnostics _added = row_count;
    if _added <> _expected then
        raise exception 'The catalogue has changed in the meantime.' using errcode = 'serialization_failure';
    end if;
end $$;

-- Update the known variants. An empty value in the file changes nothing.
create function stockroom_api.change_variants(_plan stockroom_api.catalog_plan[]) returns void
    language sql as $$
    update public.product_variants v
       set barcode = coalesce((x.l).barcode, v.barcode), size = coalesce((x.l).size, v.size),
           color = coalesce((x.l).color, v.color), price = coalesce((x.l).price, v.price),
           unit_cost = coalesce((x.l).unit_cost, v.unit_cost), reorder_point = coalesce((x.l).reorder_point, v.reorder_point),
           shelf_place = coalesce((x.l).shelf_place, v.shelf_place), is_active = coalesce((x.l).active, v.is_active), updated_at = now()
      from unnest(_plan) x
     where x.status = 'change' and v.id = x.variant_id;
$$;

-- Put on record what an import changed and added. What it changed of a product is one row for all its variants.
create function stockroom_api.note_import(
    _plan stockroom_api.catalog_plan[], _operation_id bigint, _user_id bigint, _performed_by text, _source text
) returns void
    language sql as $$
    insert into stockroom.variant_changes
           (variant_id, product_id, sku, field, before, after, source, operation_id, user_id, performed_by)
    select distinct on (c.product_id, c.variant_id, c.field)
           c.variant_id, c.product_id, c.sku, c.field, c.before, c.after, _source, _operation_id, _user_id, _performed_by
      from (select w.id as variant_id, coalesce(x.product_id, v.product_id) as product_id, case when w.id is not null then v.sku end as sku,
                   d.field, d.before, d.after
              from unnest(_plan) x
             cross join jsonb_to_recordset(x.changes) d (field text, before text, after text)
              left join public.product_variants v on v.id = x.variant_id
             cross join lateral (select case when d.field not in ('product', 'brand') then v.id end) w (id)
             where d.field <> 'opening'
            union all
            select v.id, v.product_id, v.sku, 'added', null, v.sku
              from unnest(_plan) x join public.product_variants v on v.sku = (x.l).sku
             where x.variant_id is null) c;
$$;

-- Post the openings: an initial count of every variant that never moved, all in one operation. Plans are generic, because the
-- foreign key checks would otherwise be planned for each row. A generic plan expects few lines, so nested loops and JIT are off.
create function stockroom_api.post_openings(
    _operation_id bigint, _performed_by text, _file_name text, _plan stockroom_api.catalog_plan[]
) returns void
    language plpgsql set plan_cache_mode = force_generic_plan set enable_nestloop = off set jit = off set work_mem = '64MB' as $$
declare
    _openings stockroom.line[] := array(
        select row (v.id, 'count', 'initial_count', (x.l).opening, null, 'catalogue', left(_file_name, 200), null, null)
               ::stockroom.line
          from unnest(_plan) x
          join public.product_variants v on v.sku = (x.l).sku
         where (x.l).opening is not null and v.movement_sequence = 0
         order by (x.l).line);
begin
    perform stockroom_api.check_lines(_openings);
    perform stockroom_api.post_lines(_operation_id, _performed_by, _openings);
end $$;

-- The result of an import. A replay returns the same numbers, from the rows that the first import added at its moment.
create function stockroom_api.told_catalog(_key text, _replayed boolean, _lines jsonb)
    returns table (operation_id bigint, replayed boolean, products_added bigint, variants_added bigint, variants_known bigint,
                   variants_counted bigint, units_counted bigint)
    language sql stable as $$
    select o.id, _replayed,
           count(distinct p.id) filter (where p.created_at = o.created_at),
           count(*) filter (where v.created_at = o.created_at),
           count(*) filter (where v.created_at < o.created_at),
           count(m.id), coalesce(sum(m.quantity), 0)
      from stockroom.operations o
      cross join jsonb_populate_recordset(null::stockroom_api.catalog_line, _lines) l
      join public.product_variants v on v.sku = l.sku
      join public.products p on p.id = v.product_id
      left join public.stock_movements m on m.operation_id = o.id and m.variant_id = v.id
     where o.key = _key
     group by o.id;
$$;

grant execute on function
    stockroom_api.import_catalog(text, bigint, bigint, text[], text, text, jsonb, boolean, jsonb)
    to stockroom_app;
