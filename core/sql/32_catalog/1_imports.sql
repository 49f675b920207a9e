-- Preview of a catalogue. core/catalog/file.py has read the file and checked its rows against each other; here they are compared
-- with what the shop has. 2_saving.sql imports it.

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
    shelf_place   text,
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
        select lower(stockroom.code_key(v.sku)) as folded, min(v.sku) as sku from public.product_variants v group by 1
    ), labelled as materialized (
        select stockroom.code_key(coalesce((x.l).barcode, v.barcode)) as barcode, array_agg(v.sku) as skus
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
      left join cased on cased.folded = lower(stockroom.code_key((x.l).sku))
      left join labelled on labelled.barcode = stockroom.code_key((x.l).barcode)
    window known as (partition by coalesce((x.v).product_id::text, (x.l).sku) order by (x.l).line);
$$;

-- Whether a row changes nothing: all is new, or each value is empty or what the shop has. Most rows of a file that comes again are
-- such rows, and this costs a tenth of `catalog_changes`.
create function stockroom_api.changes_nothing(
    _l stockroom_api.catalog_line, _v public.product_variants, _p public.products
) returns boolean
    language sql stable
    return case when _v.id is null then _p.id is null
                else _l.product = _p.name and coalesce(_l.brand = _p.brand, _l.brand is null)
                     and coalesce(_l.size = _v.size, _l.size is null) and coalesce(_l.color = _v.color, _l.color is null)
                     and coalesce(_l.barcode = _v.barcode, _l.barcode is null) and coalesce(_l.price = _v.price, _l.price is null)
                     and coalesce(_l.unit_cost = _v.unit_cost, _l.unit_cost is null)
                     and coalesce(_l.reorder_point = _v.reorder_point, _l.reorder_point is null)
                     and coalesce(_l.shelf_place = _v.shelf_place, _l.shelf_place is null)
                     and (_l.opening is null or _v.movement_sequence > 0)
                     and coalesce(_l.active = _v.is_active, _l.active is null) end;

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
                   (9, 'shelf_place', false, _v.shelf_place, _l.shelf_place),
                   (10, 'opening', false, null, case when _v.movement_sequence = 0 then _l.opening::text end),
                   (11, 'active', false, case when _v.is_active then 'yes' else 'no' end,
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
      left join (select t.line, jsonb_object_agg(t.field, t.why) as whys from stockroom_api.taken_codes(_lines) t group by 1) taken
             on taken.line = (x.l).line
      cross join lateral (select case when stockroom_api.changes_nothing(x.l, x.v, x.p) then '[]'
                                      else stockroom_api.catalog_changes(x.l, x.v, x.p) end offset 0) change (found)
      cross join (select array(select r.of || '.' || r.name from stockroom_api.required_ours r where r.fallback is null) as names) needed
      left join lateral (
          select jsonb_agg(jsonb_build_object('field', c.field, 'why', c.why, 'value', c.value))
            from (values
                ('sku', (x.l).sku, case when x.like_sku is not null then
                    format('differs only in letter case from "%s" in the shop', x.like_sku) end),
                ('sku', (x.l).sku, taken.whys ->> 'sku'),
                ('barcode', (x.l).barcode, taken.whys ->> 'barcode'),
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
           where c.why is not null and c.value is not null
          having count(*) > 0
          union all
          select jsonb_agg(jsonb_build_object('field', c.name, 'why', 'is missing, and this shop requires it', 'value', null))
            from (values ('brand', (x.l).brand), ('size', (x.l).size), ('color', (x.l).color), ('barcode', (x.l).barcode),
                         ('price', (x.l).price::text), ('unit_cost', (x.l).unit_cost::text)) c (name, value)
           where c.value is null and ((x.v).id is null and 'variant.' || c.name = any (needed.names)
                                      or (x.p).id is null and 'product.' || c.name = any (needed.names))
          having count(*) > 0
           limit 1) problem (found) on true
     order by (x.l).line;
$$;

-- What importing a catalogue would do, row by row. Refuses: SK008 (`_extra`), SK009, SK010.
create function stockroom_api.preview_catalog(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _lines jsonb, _extra jsonb
) returns table (line int, status text, changes jsonb, problems jsonb)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    perform stockroom_api.refuse_odd_extra(_extra);
    return query select (x.l).line, x.status, x.changes, x.problems
      from stockroom_api.plan_catalog(stockroom_api.with_known_names(stockroom_api.with_present_skus(_lines))) x;
end $$;

grant execute on function stockroom_api.preview_catalog(bigint, bigint, text[], text, jsonb, jsonb) to stockroom_app;
