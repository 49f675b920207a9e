-- Preview and import of a catalogue. core/catalog/file.py has read the file and checked its rows against each other; here they
-- are compared with what the shop has.

-- A row of a catalogue; null changes nothing.
create type stockroom_api.catalog_line as (
    line          int,
    sku           text,
    product       text,
    brand         text,
    size          text,
    color         text,
    barcode       text,
    price         numeric(12, 2),
    unit_cost     numeric(12, 2),
    reorder_point int,
    opening       int,
    active        boolean
);

-- What a row would do. `product_id` is null for a new product, `variant_id` for a new variant.
create type stockroom_api.catalog_plan as (
    l          stockroom_api.catalog_line,
    variant_id uuid,
    product_id uuid,
    status     text,
    changes    jsonb,
    problems   jsonb
);

-- Each row with the variant of its SKU and its product. A known SKU stays with its product, so another name there renames the
-- product. A new SKU joins the product with its name. `bearers` are the products that would have that name.
create function stockroom_api.place_catalog(_lines jsonb)
    returns table (l stockroom_api.catalog_line, v public.product_variants, p public.products, bearers uuid[],
                   first_name text, first_line int, like_sku text, barcode_of text)
    language sql stable as $$
    with line as materialized (
        select l, v from jsonb_populate_recordset(null::stockroom_api.catalog_line, _lines) l
          left join public.product_variants v on v.sku = l.sku
    ), renamed as materialized (
        select (x.v).product_id as id, min((x.l).product) as name
          from line x
          join public.products p on p.id = (x.v).product_id and p.name <> (x.l).product
         where not exists (select from public.products q where lower(q.name) = lower((x.l).product) and q.id <> p.id)
         group by 1
    ), called as materialized (
        select lower(coalesce(r.name, p.name)) as name, array_agg(p.id) as products
          from public.products p
          left join renamed r on r.id = p.id
         group by 1
    ), cased as materialized (
        select lower(v.sku) as folded, min(v.sku) as sku from public.product_variants v group by 1
    ), labelled as materialized (
        select coalesce((x.l).barcode, v.barcode) as barcode, array_agg(v.sku) as skus
          from public.product_variants v
          left join line x on (x.l).sku = v.sku
         where coalesce((x.l).barcode, v.barcode) is not null
         group by 1
    )
    select x.l, x.v, p, c.products,
           first_value((x.l).product) over known, first_value((x.l).line) over known,
           case when (x.v).id is null then cased.sku end,
           case when (x.v).barcode is distinct from (x.l).barcode then
               (select min(other) from unnest(labelled.skus) other where other <> (x.l).sku) end
      from line x
      left join called c on c.name = lower((x.l).product)
      left join public.products p on p.id = coalesce((x.v).product_id, case when cardinality(c.products) = 1 then c.products[1] end)
      left join cased on cased.folded = lower((x.l).sku)
      left join labelled on labelled.barcode = (x.l).barcode
    window known as (partition by coalesce((x.v).product_id::text, (x.l).sku) order by (x.l).line);
$$;

-- The fields that a row would change, with both values as text. A new variant can only change its product.
create function stockroom_api.catalog_changes(
    _l stockroom_api.catalog_line, _v public.product_variants, _p public.products
) returns jsonb
    language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object('field', c.field, 'before', c.before, 'after', c.after) order by c.n), '[]')
      from (values (1, 'product', true, _p.name, case when _v.id is not null then _l.product end),
                   (2, 'brand', true, _p.brand, _l.brand),
                   (3, 'size', false, _v.size, _l.size),
                   (4, 'color', false, _v.color, _l.color),
                   (5, 'barcode', false, _v.barcode, _l.barcode),
                   (6, 'price', false, _v.price::text, _l.price::text),
                   (7, 'unit_cost', false, _v.unit_cost::text, _l.unit_cost::text),
                   (8, 'reorder_point', false, _v.reorder_point::text, _l.reorder_point::text),
                   (9, 'opening', false, null, case when _v.movement_sequence = 0 then _l.opening::text end),
                   (10, 'active', false, case when _v.is_active then 'yes' else 'no' end,
                    case _l.active when true then 'yes' when false then 'no' end))
           c (n, field, of_product, before, after)
     where c.after is distinct from c.before and c.after is not null
       and (_v.id is not null or (c.of_product and _p.id is not null));
$$;

-- What each row would do. `changes`: [{field, before, after}]; `problems`: [{field, why}], and then nothing may be imported.
create function stockroom_api.plan_catalog(_lines jsonb) returns setof stockroom_api.catalog_plan
    language sql stable as $$
    select x.l, (x.v).id, (x.p).id,
           case when problem.found is not null then 'error'
                when (x.v).id is not null then case when change.found = '[]' then 'unchanged' else 'change' end
                when (x.p).id is null and row_number() over (partition by (x.p).id, (x.l).product order by (x.l).line) = 1
                then 'new_product'
                else 'new_variant' end,
           change.found, coalesce(problem.found, '[]')
      from stockroom_api.place_catalog(_lines) x
      left join public.stock_movements m on m.variant_id = (x.v).id and m.variant_sequence = 1 and m.reason = 'initial_count'
      cross join lateral (select stockroom_api.catalog_changes(x.l, x.v, x.p) offset 0) change (found)
      cross join lateral (
          select jsonb_agg(jsonb_build_object('field', c.field, 'why', c.why, 'value', c.value))
            from (values
                ('sku', (x.l).sku, case when x.like_sku is not null then
                    format('differs only in letter case from "%s" in the shop', x.like_sku) end),
                ('barcode', (x.l).barcode, case when x.barcode_of is not null then
                    format('is the barcode of SKU %s in the shop', x.barcode_of) end),
                ('product', (x.l).product, case
                    when (x.v).id is null and cardinality(x.bearers) > 1 then
                        format('is the name of %s products in the shop, so it is unclear which one is meant', cardinality(x.bearers))
                    when (x.v).id is not null and (x.l).product <> x.first_name then
                        format('contradicts line %s, where the same product is called "%s"', x.first_line, x.first_name)
                    when (x.v).id is not null and (x.l).product <> (x.p).name and x.bearers <> array[(x.p).id] then
                        format('is another product already; this SKU belongs to "%s"', (x.p).name) end),
                ('opening', (x.l).opening::text, case when (x.v).movement_sequence > 0
                    and (x.l).opening is distinct from m.quantity then
                    format('is only for variants that never moved; this one is at %s, so count it instead',
                        (x.v).stock_quantity) end)) c (field, value, why)
           where c.why is not null and c.value is not null) problem (found)
     order by (x.l).line;
$$;

-- What importing a catalogue would do, row by row. Refuses: SK009, SK010.
create function stockroom_api.preview_catalog(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _lines jsonb
) returns table (line int, status text, changes jsonb, problems jsonb)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query select (x.l).line, x.status, x.changes, x.problems from stockroom_api.plan_catalog(_lines) x;
end $$;

-- Import a catalogue, all of it or nothing: products, variants, and one operation that counts the openings.
-- Refuses: SK003, SK008 (with the facts `problems`, or because the shop holds the sample data), SK009, SK010.
create function stockroom_api.import_catalog(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _file_name text, _lines jsonb,
    _into_sample boolean
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
    _operation_id := stockroom_api.claim_operation(_key, 'import_catalog', _lines::text, _user_id, _performed_by, _at);
    if _operation_id is not null then
        perform stockroom_api.refuse_sample_shop(_into_sample);
        perform stockroom_api.lock_variants(array(
            select v.id from jsonb_populate_recordset(null::stockroom_api.catalog_line, _lines) l
              join public.product_variants v on v.sku = l.sku));
        _plan := array(select x from stockroom_api.plan_catalog(_lines) x);
        perform stockroom_api.refuse_bad_rows(_plan);
        perform stockroom_api.save_products(_plan, _at);
        perform stockroom_api.add_variants(_plan, _at);
        perform stockroom_api.change_variants(_plan);
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

-- Add the new products, and rename or re-brand the known ones.
create function stockroom_api.save_products(_plan stockroom_api.catalog_plan[], _at timestamptz) returns void
    language sql as $$
    insert into public.products (name, brand, created_at)
    select (x.l).product, max((x.l).brand), _at from unnest(_plan) x where x.product_id is null group by 1;
    update public.products p
       set name = coalesce(x.name, p.name), brand = coalesce(x.brand, p.brand), updated_at = now()
      from (select x.product_id, max((x.l).product) filter (where x.variant_id is not null) as name, max((x.l).brand) as brand
              from unnest(_plan) x group by 1) x
     where p.id = x.product_id
       and (coalesce(x.name, p.name), coalesce(x.brand, p.brand, '')) <> (p.name, coalesce(p.brand, ''));
$$;

-- Add the new variants. If one of them has appeared in the meantime, for example from a storefront, retry the whole import.
create function stockroom_api.add_variants(_plan stockroom_api.catalog_plan[], _at timestamptz) returns void
    language plpgsql as $$
declare
    _expected bigint := (select count(*) from unnest(_plan) x where x.variant_id is null);
    _added bigint;
begin
    insert into public.product_variants
           (product_id, sku, barcode, size, color, price, unit_cost, reorder_point, is_active, created_at)
    select coalesce(x.product_id, p.id), (x.l).sku, (x.l).barcode, (x.l).size, (x.l).color, (x.l).price, (x.l).unit_cost,
           coalesce((x.l).reorder_point, 0), coalesce((x.l).active, true), _at
      from unnest(_plan) x
      left join public.products p on x.product_id is null and p.name = (x.l).product
     where x.variant_id is null
        on conflict (sku) do nothing;
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
           is_active = coalesce((x.l).active, v.is_active), updated_at = now()
      from unnest(_plan) x
     where x.status = 'change' and v.id = x.variant_id;
$$;

-- Post the openings: an initial count of every variant that never moved, all in one operation.
create function stockroom_api.post_openings(
    _operation_id bigint, _performed_by text, _file_name text, _plan stockroom_api.catalog_plan[]
) returns void
    language plpgsql as $$
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
    stockroom_api.preview_catalog(bigint, bigint, text[], text, jsonb),
    stockroom_api.import_catalog(text, bigint, bigint, text[], text, text, jsonb, boolean)
    to stockroom_app;
