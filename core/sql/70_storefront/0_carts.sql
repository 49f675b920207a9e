-- The lines of a storefront's cart: which variant each of them means.

-- A text as a uuid, or null if it is not one.
create function stockroom_api.uuid_of(_text text) returns uuid
    language sql immutable
    return case when _text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then _text::uuid end;

-- The product with this id or, in a shop whose products have one, this slug; null if there is none, or more than one.
create function stockroom_api.product_named(_name text) returns uuid
    language plpgsql stable as $$
declare
    _id uuid := (select p.id from public.products p where p.id = stockroom_api.uuid_of(_name));
begin
    if _id is null and _name is not null and exists (
           select from pg_attribute a
            where a.attrelid = 'public.products'::regclass and a.attname = 'slug' and not a.attisdropped) then
        execute 'select case when count(*) = 1 then min(p.id::text)::uuid end from public.products p where p.slug::text = $1'
           into _id using _name;
    end if;
    return _id;
end $$;

-- The active variants of a product, of one size and colour where these are given.
create function stockroom_api.variants_meant(_product_id uuid, _size text, _color text) returns uuid[]
    language sql stable as $$
    select array(
        select v.id from public.product_variants v
         where v.product_id = _product_id and v.is_active
           and (_size is null or lower(btrim(v.size)) = lower(btrim(_size)))
           and (_color is null or lower(btrim(v.color)) = lower(btrim(_color))));
$$;

-- A cart whose lines name variants. A line may name a product (and a size or colour) instead, if exactly one variant is meant.
-- Refuses: SK008 naming the line, with the variants to choose from.
create function stockroom_api.meant_items(_items jsonb) returns jsonb
    language plpgsql stable as $$
declare
    _meant jsonb := '[]';
    _item jsonb;
    _product_id uuid;
    _variants uuid[];
begin
    if jsonb_typeof(_items) is distinct from 'array' then
        return _items;
    end if;
    for _item in select i from jsonb_array_elements(_items) i loop
        if _item ->> 'variant_id' is null and _item ->> 'sku' is null then
            _product_id := stockroom_api.product_named(_item ->> 'product');
            _variants := stockroom_api.variants_meant(_product_id, _item ->> 'size', _item ->> 'color');
            if cardinality(_variants) <> 1 then
                perform stockroom_api.refuse_vague_item(_item, _product_id, _variants);
            end if;
            _item := jsonb_build_object('variant_id', _variants[1], 'quantity', _item -> 'quantity');
        end if;
        _meant := _meant || jsonb_build_array(_item);
    end loop;
    return _meant;
end $$;

-- Refuse a line that does not mean exactly one variant: `choices` are the variants that it may mean, or all of the product.
create function stockroom_api.refuse_vague_item(_item jsonb, _product_id uuid, _variants uuid[]) returns void
    language plpgsql stable as $$
declare
    _name text := (select p.name from public.products p where p.id = _product_id);
    _sizes text;
    _choices jsonb;
begin
    select string_agg(coalesce(v.size, v.sku), ', ' order by v.sku),
           jsonb_agg(jsonb_build_object('variantId', v.id, 'sku', v.sku, 'size', v.size, 'color', v.color) order by v.sku)
      into _sizes, _choices
      from (select v.* from public.product_variants v
             where v.id = any (case when _variants = '{}' then stockroom_api.variants_meant(_product_id, null, null) else _variants end)
             order by v.sku limit 100) v;
    perform stockroom_api.refuse_value('items', left(case
        when _item ->> 'product' is null then 'need a variant, a SKU, or a product and a size on every line'
        when _name is null then format('name a product that is not in the catalogue: %s', _item ->> 'product')
        when _variants <> '{}' then format('name %s of which %s variants are meant: %s. Name one by its variant or SKU', _name,
            cardinality(_variants), _sizes)
        else format('name %s in a size or colour that it does not have; it has: %s', _name, coalesce(_sizes, 'none')) end, 600),
        jsonb_build_object('choices', coalesce(_choices, '[]')));
end $$;

-- The lines of a storefront's cart, in both spellings: the variant, SKU or product of each, in this order, and the quantity, or
-- null if it is not a whole number from 1 to 1,000,000. A product and a size name a variant if exactly one is meant.
create function stockroom_api.cart_items(_items jsonb)
    returns table (n bigint, item_id text, quantity int, asked text, variant_id uuid, product_id uuid, sku text,
                   names_variant boolean)
    language sql stable as $$
    select i.n, coalesce(i.item ->> 'id', i.item ->> 'itemId', i.item ->> 'item_id', w.variant, w.sku, w.product, i.n::text),
           case when w.quantity ~ '^[0-9]{1,7}$' and w.quantity::int between 1 and 1000000 then w.quantity::int end,
           left(w.quantity, 40), v.id, coalesce(v.product_id, p.id), coalesce(v.sku, w.sku),
           w.variant is not null or w.sku is not null or v.id is not null
      from jsonb_array_elements(_items) with ordinality i (item, n)
     cross join lateral (
           select coalesce(i.item ->> 'variant_id', i.item ->> 'variantId') as variant, i.item ->> 'sku' as sku,
                  coalesce(i.item ->> 'product_id', i.item ->> 'productId', i.item ->> 'slug') as product,
                  i.item ->> 'quantity' as quantity, i.item ->> 'size' as size, i.item ->> 'color' as color) w
     cross join lateral (
           select case when w.variant is null and w.sku is null then stockroom_api.product_named(w.product) end as id) p
     cross join lateral (
           select case when p.id is not null and w.size is not null
                       then stockroom_api.variants_meant(p.id, w.size, w.color)
                       when w.variant is null and not exists (select from public.product_variants x where x.sku = w.sku)
                       then array(select f.variant_id from stockroom_api.find_code(w.sku) f where f.units = 1) end as variants) m
      left join public.product_variants v
        on v.id = stockroom_api.uuid_of(w.variant) or (w.variant is null and v.sku = w.sku)
           or (cardinality(m.variants) = 1 and v.id = m.variants[1]);
$$;

-- A cart in either spelling as `meant_items` reads it. One whose lines all have a `variant_id` or `sku` stays as it is.
create function stockroom_api.spelt_items(_items jsonb) returns jsonb
    language sql immutable as $$
    select case when jsonb_typeof(_items) = 'array' and exists (
                     select from jsonb_array_elements(_items) i
                      where jsonb_typeof(i) = 'object' and i ->> 'variant_id' is null and i ->> 'sku' is null)
                then (select jsonb_agg(case when jsonb_typeof(i) = 'object' then jsonb_build_object(
                                 'variant_id', coalesce(i -> 'variant_id', i -> 'variantId'), 'sku', i -> 'sku',
                                 'product', coalesce(i -> 'product_id', i -> 'productId', i -> 'slug'), 'size', i -> 'size',
                                 'color', i -> 'color', 'quantity', i -> 'quantity') else i end)
                        from jsonb_array_elements(_items) i)
                else _items end;
$$;
