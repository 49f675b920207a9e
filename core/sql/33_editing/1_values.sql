-- What people can edit of a variant, as text, and who changed it.

-- The values of each variant, one row a field. `product` and `brand` are those of its product, which its variants share; `picture` is
-- its own picture. An empty price is that of the product.
create view stockroom_api.variant_values as
select v.id as variant_id, v.product_id, v.sku, f.field, f.value
  from public.product_variants v
  join public.products p on p.id = v.product_id
  left join stockroom.variant_pictures i on i.variant_id = v.id
 cross join lateral (values
       ('product', p.name), ('brand', p.brand), ('sku', v.sku), ('size', v.size), ('color', v.color), ('price', v.price::text),
       ('unit_cost', v.unit_cost::text), ('reorder_point', v.reorder_point::text), ('shelf_place', v.shelf_place),
       ('picture', i.picture), ('active', case when v.is_active then 'yes' else 'no' end)) f (field, value);

-- Who changed what of variants, and of their products. `variant_id` is null for a change of the product.
create view stockroom_api.variant_changes as
select c.id as change_id, c.variant_id, c.product_id, c.sku, c.field, c.before, c.after, c.source, c.performed_by, c.at
  from stockroom.variant_changes c;

-- The changes of a variant and of its product, newest first.
create function stockroom_api.changes_of_variant(_variant_id uuid, _count int)
    returns table (change_id bigint, field text, before text, after text, source text, performed_by text, at timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select x.*
      from ((select c.id, c.field, c.before, c.after, c.source, c.performed_by, c.at
               from stockroom.variant_changes c
              where c.variant_id = _variant_id order by c.id desc limit least(greatest(_count, 1), 1000))
            union all
            (select c.id, c.field, c.before, c.after, c.source, c.performed_by, c.at
               from stockroom.variant_changes c
              where c.variant_id is null and c.product_id = (select v.product_id from public.product_variants v where v.id = _variant_id)
              order by c.id desc limit least(greatest(_count, 1), 1000))) x
     order by 1 desc
     limit least(greatest(_count, 1), 1000);
$$;

-- One value to change. `before` is what the person saw; null is empty.
create type stockroom_api.edit as (
    variant_id uuid,
    field      text,
    before     text,
    after      text
);

-- What an operation changed. `variant_id` is null for a value of the product.
create type stockroom_api.edited as (
    operation_id bigint,
    replayed     boolean,
    variant_id   uuid,
    sku          text,
    field        text,
    before       text,
    after        text
);

grant select on stockroom_api.variant_values to stockroom_app;
grant execute on function stockroom_api.changes_of_variant(uuid, int) to stockroom_app;
