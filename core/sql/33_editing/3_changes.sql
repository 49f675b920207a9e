-- Editing variants by hand: compare and set, a field at a time, all of an operation or nothing.

-- Change values of variants, all of them or none. A value that somebody changed since the person saw it refuses all, unless it is
-- what the person wants already. Refuses: SK001, SK003, SK008, SK009, SK010, SK014.
create function stockroom_api.edit_variants(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _edits jsonb
) returns setof stockroom_api.edited
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _wanted stockroom_api.edit[];
    _operation_id bigint;
begin
    if exists (select from jsonb_array_elements(_edits) e where e ->> 'field' in ('sku', 'product')) then
        perform pg_advisory_xact_lock(hashtext('stockroom.catalog'));  -- as an import: two may want the same new SKU
    end if;
    _operation_id := stockroom_api.claim_operation(_key, 'edit_variants', _edits::text, _user_id, _performed_by);
    if _operation_id is not null then
        _wanted := array(select e from jsonb_populate_recordset(null::stockroom_api.edit, _edits) e order by e.variant_id, e.field);
        perform stockroom_api.lock_variants(array(select distinct e.variant_id from unnest(_wanted) e));
        perform 1 from public.products p
          where p.id in (select v.product_id from unnest(_wanted) e join public.product_variants v on v.id = e.variant_id
                          where e.field in ('product', 'brand'))
          order by p.id for no key update;
        perform stockroom_api.refuse_odd_edits(_wanted);
        perform stockroom_api.refuse_edited(_wanted);
        _wanted := array(select e from unnest(_wanted) e join stockroom_api.variant_values c using (variant_id, field)
                          where c.value is distinct from e.after order by e.variant_id, e.field);
        perform stockroom_api.refuse_edits(_wanted);
        insert into stockroom.variant_changes
               (variant_id, product_id, sku, field, before, after, source, operation_id, user_id, performed_by)
        select distinct on (w.id, coalesce(w.variant_id, w.id), e.field)
               w.variant_id, w.id, case when w.variant_id is not null then c.sku end, e.field, c.value, e.after, 'page',
               _operation_id, _user_id, _performed_by
          from unnest(_wanted) e
          join stockroom_api.variant_values c using (variant_id, field)
         cross join lateral (select c.product_id, case when e.field not in ('product', 'brand') then e.variant_id end) w (id, variant_id)
         order by w.id, coalesce(w.variant_id, w.id), e.field;
        begin
            perform stockroom_api.save_edits(_wanted);
            perform stockroom_api.cost_from_catalogue(_operation_id, _performed_by,
                array(select e.variant_id from unnest(_wanted) e where e.field = 'unit_cost'));
            perform stockroom_api.keep_former_skus(_wanted, _performed_by);
        exception when integrity_constraint_violation or raise_exception then
            perform stockroom_api.refuse_value('variant', format('breaks a rule of the shop: %s. Nothing was changed', sqlerrm));
        end;
    end if;
    return query
        select o.id, _operation_id is null, c.variant_id, c.sku, c.field, c.before, c.after
          from stockroom.operations o join stockroom.variant_changes c on c.operation_id = o.id
         where o.key = _key order by c.sku nulls first, c.id;
end $$;

-- Refuse edits that contradict each other, and fields that nobody can edit. Refuses: SK008.
create function stockroom_api.refuse_odd_edits(_edits stockroom_api.edit[]) returns void
    language plpgsql stable as $$
declare
    _odd record;
begin
    select e.field into _odd from unnest(_edits) e
     where not exists (select from stockroom_api.variant_values c where c.variant_id = e.variant_id and c.field = e.field) limit 1;
    if found then
        perform stockroom_api.refuse_value('field', format('"%s" cannot be edited', left(_odd.field, 60)));
    end if;
    select v.sku, e.field into _odd
      from unnest(_edits) e
      join public.product_variants v on v.id = e.variant_id
     group by case when e.field in ('product', 'brand') then v.product_id else v.id end, e.field, v.sku
    having count(*) > 1 limit 1;
    if found then
        perform stockroom_api.refuse_value('edits', format('change %s of %s twice', _odd.field, _odd.sku));
    end if;
    select e.field into _odd
      from unnest(_edits) e
      join public.product_variants v on v.id = e.variant_id
     where e.field in ('product', 'brand')
     group by v.product_id, e.field having count(distinct e.after) > 1 limit 1;
    if found then
        perform stockroom_api.refuse_value('edits', format('give one product two values of %s', _odd.field));
    end if;
end $$;

-- Refuse with SK014 if a value of a locked variant is neither the one that was seen nor the one that is wanted. Refuses: SK014.
create function stockroom_api.refuse_edited(_edits stockroom_api.edit[]) returns void
    language plpgsql stable as $$
declare
    _edited jsonb := (
        select jsonb_agg(jsonb_build_object('variant_id', c.variant_id, 'sku', c.sku, 'field', c.field, 'seen', e.before, 'now', c.value,
                   'wanted', e.after, 'by', x.performed_by, 'at', x.at) order by c.sku, c.field)
          from unnest(_edits) e
          join stockroom_api.variant_values c using (variant_id, field)
          left join lateral (
              select h.performed_by, h.at from stockroom_api.variant_changes h
               where h.field = c.field and h.product_id = c.product_id and (h.variant_id = c.variant_id or h.variant_id is null)
               order by h.change_id desc limit 1) x on true
         where c.value is distinct from e.before and c.value is distinct from e.after);
begin
    if _edited is not null then
        perform stockroom_api.refuse('SK014', 'Somebody else has changed this in the meantime.', jsonb_build_object('edited', _edited));
    end if;
end $$;

-- Refuse values that the catalogue does not allow: a name of another product, an SKU that is taken, an empty value that the shop's own
-- tables require, a picture that is not there. Refuses: SK008.
create function stockroom_api.refuse_edits(_edits stockroom_api.edit[]) returns void
    language plpgsql stable as $$
declare
    _bad record;
begin
    select e.after as name into _bad
      from unnest(_edits) e
      join public.product_variants v on v.id = e.variant_id
     where e.field = 'product'
       and exists (select from public.products q where lower(q.name) = lower(e.after) and q.id <> v.product_id) limit 1;
    if found then
        perform stockroom_api.refuse_value('product', format('"%s" is the name of another product already', _bad.name));
    end if;
    select v.sku, r.name into _bad
      from unnest(_edits) e
      join public.product_variants v on v.id = e.variant_id
      join stockroom_api.required_ours r on r.name = e.field and r.of = case when e.field = 'brand' then 'product' else 'variant' end
     where e.after is null limit 1;
    if found then
        perform stockroom_api.refuse_value(_bad.name, format('of %s cannot be empty, because this shop''s own tables require it', _bad.sku));
    end if;
    select e.after as picture into _bad
      from unnest(_edits) e
     where e.field = 'picture' and e.after like '/picture/%'
       and not exists (select from stockroom.pictures i where '/picture/' || i.digest = e.after) limit 1;
    if found then
        perform stockroom_api.refuse_value('picture', 'is not kept here any more. Upload it again');
    end if;
    perform stockroom_api.refuse_taken_skus(_edits);
end $$;

-- Write the values. Null is empty, and a reorder point of nothing is 0.
create function stockroom_api.save_edits(_edits stockroom_api.edit[]) returns void
    language plpgsql as $$
begin
    update public.products p
       set name = coalesce(e.after ->> 'product', p.name),
           brand = case when e.after ? 'brand' then e.after ->> 'brand' else p.brand end, updated_at = now()
      from (select v.product_id, jsonb_object_agg(x.field, x.after) as after
              from unnest(_edits) x join public.product_variants v on v.id = x.variant_id
             where x.field in ('product', 'brand') group by 1) e
     where p.id = e.product_id;
    update public.product_variants v
       set sku = coalesce(e.after ->> 'sku', v.sku),
           size = case when e.after ? 'size' then e.after ->> 'size' else v.size end,
           color = case when e.after ? 'color' then e.after ->> 'color' else v.color end,
           price = case when e.after ? 'price' then (e.after ->> 'price')::numeric(12, 2) else v.price end,
           unit_cost = case when e.after ? 'unit_cost' then (e.after ->> 'unit_cost')::numeric(12, 2) else v.unit_cost end,
           reorder_point = case when e.after ? 'reorder_point' then coalesce((e.after ->> 'reorder_point')::int, 0) else v.reorder_point end,
           shelf_place = case when e.after ? 'shelf_place' then e.after ->> 'shelf_place' else v.shelf_place end,
           is_active = case when e.after ? 'active' then e.after ->> 'active' = 'yes' else v.is_active end, updated_at = now()
      from (select x.variant_id, jsonb_object_agg(x.field, x.after) as after from unnest(_edits) x
             where x.field not in ('product', 'brand', 'picture') group by 1) e
     where v.id = e.variant_id;
    perform stockroom_api.save_pictures(_edits);
end $$;

-- Put pictures on variants or take them off, and delete uploaded ones that no variant has any more.
create function stockroom_api.save_pictures(_edits stockroom_api.edit[]) returns void
    language plpgsql as $$
begin
    delete from stockroom.variant_pictures i using unnest(_edits) e
     where e.field = 'picture' and e.after is null and i.variant_id = e.variant_id;
    insert into stockroom.variant_pictures as i (variant_id, picture)
    select e.variant_id, e.after from unnest(_edits) e where e.field = 'picture' and e.after is not null
        on conflict (variant_id) do update set picture = excluded.picture;
    delete from stockroom.pictures p using unnest(_edits) e
     where e.field = 'picture' and '/picture/' || p.digest = e.before
       and not exists (select from stockroom.variant_pictures i where i.picture = e.before);
end $$;

grant execute on function
    stockroom_api.edit_variants(text, bigint, bigint, text[], text, jsonb) to stockroom_app;
