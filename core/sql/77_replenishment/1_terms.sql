-- The terms on which goods are ordered, and how managers change them: compare and set, a field at a time.

-- The terms as they were set, each of a variant, a brand or the shop.
create view stockroom_api.order_terms as
select t.variant_id, t.brand, t.supplier, t.lead_days, t.pack_size, t.cover_days, t.changed_by, t.changed_at from stockroom.order_terms t;

-- The terms of each variant, and whose they are: its own, else those of its brand, else those of the shop, else what is usual.
create view stockroom_api.variant_terms as
select v.id as variant_id,
       coalesce(o.supplier, b.supplier, s.supplier) as supplier,
       case when o.supplier is not null then 'variant' when b.supplier is not null then 'brand' when s.supplier is not null then 'shop'
            else 'usual' end as supplier_of,
       coalesce(o.lead_days, b.lead_days, s.lead_days, 14) as lead_days,
       case when o.lead_days is not null then 'variant' when b.lead_days is not null then 'brand' when s.lead_days is not null then 'shop'
            else 'usual' end as lead_of,
       coalesce(o.pack_size, b.pack_size, s.pack_size, 1) as pack_size,
       case when o.pack_size is not null then 'variant' when b.pack_size is not null then 'brand' when s.pack_size is not null then 'shop'
            else 'usual' end as pack_of,
       coalesce(o.cover_days, b.cover_days, s.cover_days, 30) as cover_days,
       case when o.cover_days is not null then 'variant' when b.cover_days is not null then 'brand' when s.cover_days is not null then 'shop'
            else 'usual' end as cover_of
  from public.product_variants v
  join public.products p on p.id = v.product_id
  left join stockroom.order_terms o on o.variant_id = v.id
  left join stockroom.order_terms b on b.brand = p.brand
  left join stockroom.order_terms s on s.variant_id is null and s.brand is null;

-- A term to change: the value that the person saw, and the one that they want; null is none.
create type stockroom_api.term_edit as (variant_id uuid, brand text, field text, before text, after text);

-- Change terms, all of them or none, recorded in the audit. A value that somebody changed since the person saw it refuses all, unless it
-- is what the person wants already. Returns whether it was done before. Refuses: SK001, SK003, SK008, SK009, SK010, SK014.
create function stockroom_api.set_order_terms(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _edits jsonb
) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _wanted stockroom_api.term_edit[] := array(select e from jsonb_populate_recordset(null::stockroom_api.term_edit, _edits) e);
    _each record;
    _before jsonb;
    _after jsonb;
begin
    if stockroom_api.claim_operation(_key, 'set_order_terms', _edits::text, _user_id, _who) is null then
        return true;
    end if;
    perform pg_advisory_xact_lock(hashtext('stockroom.order_terms'));
    perform stockroom_api.refuse_edited_terms(_wanted);
    for _each in select distinct e.variant_id, e.brand from unnest(_wanted) e order by 1, 2 loop
        _before := coalesce((select to_jsonb(t) from stockroom.order_terms t
                              where (t.variant_id, t.brand) is not distinct from (_each.variant_id, _each.brand)), '{}');
        _after := _before || (select jsonb_object_agg(e.field, e.after) from unnest(_wanted) e
                               where (e.variant_id, e.brand) is not distinct from (_each.variant_id, _each.brand));
        insert into stockroom.order_terms as t (variant_id, brand, supplier, lead_days, pack_size, cover_days, changed_by)
        values (_each.variant_id, _each.brand, _after ->> 'supplier', (_after ->> 'lead_days')::int, (_after ->> 'pack_size')::int,
                (_after ->> 'cover_days')::int, _who)
        on conflict (variant_id, brand) do update
           set supplier = excluded.supplier, lead_days = excluded.lead_days, pack_size = excluded.pack_size,
               cover_days = excluded.cover_days, changed_by = excluded.changed_by, changed_at = clock_timestamp();
        perform stockroom_api.note_change(_user_id, _who, 'order_terms', stockroom_api.terms_of(_each.variant_id, _each.brand),
            stockroom_api.plain_terms(_before), stockroom_api.plain_terms(_after));
    end loop;
    return false;
end $$;

-- Whose terms they are, for people: an SKU, a brand, or the shop.
create function stockroom_api.terms_of(_variant_id uuid, _brand text) returns text
    language sql stable
    return coalesce((select v.sku from public.product_variants v where v.id = _variant_id), _brand, 'The shop');

-- The fields of terms as texts, for the audit.
create function stockroom_api.plain_terms(_terms jsonb) returns jsonb
    language sql immutable
    return jsonb_build_object('supplier', _terms ->> 'supplier', 'lead_days', _terms ->> 'lead_days', 'pack_size', _terms ->> 'pack_size',
                              'cover_days', _terms ->> 'cover_days');

-- Refuse terms of a variant or brand that is not in the catalogue, and values that somebody else has changed to another one than is
-- wanted. Refuses: SK001, SK008, SK014.
create function stockroom_api.refuse_edited_terms(_edits stockroom_api.term_edit[]) returns void
    language plpgsql stable as $$
declare
    _bad record;
    _edited jsonb;
begin
    select e.variant_id into _bad from unnest(_edits) e
     where e.variant_id is not null and not exists (select from public.product_variants v where v.id = e.variant_id) limit 1;
    if found then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.', jsonb_build_object('variants', array[_bad.variant_id]));
    end if;
    select e.brand into _bad from unnest(_edits) e
     where e.brand is not null and not exists (select from public.products p where p.brand = e.brand) limit 1;
    if found then
        perform stockroom_api.refuse_value('brand', format('"%s" has no product', left(_bad.brand, 60)));
    end if;
    select jsonb_agg(jsonb_build_object('variant_id', e.variant_id, 'sku', stockroom_api.terms_of(e.variant_id, e.brand), 'brand', e.brand,
               'field', e.field, 'seen', e.before, 'now', c.value, 'wanted', e.after, 'by', t.changed_by, 'at', t.changed_at)
               order by e.variant_id, e.brand, e.field) into _edited
      from unnest(_edits) e
      left join stockroom.order_terms t on (t.variant_id, t.brand) is not distinct from (e.variant_id, e.brand)
     cross join lateral (select to_jsonb(t) ->> e.field as value) c
     where c.value is distinct from e.before and c.value is distinct from e.after;
    if _edited is not null then
        perform stockroom_api.refuse('SK014', 'Somebody else has changed this in the meantime.', jsonb_build_object('edited', _edited));
    end if;
end $$;

grant select on stockroom_api.order_terms, stockroom_api.variant_terms to stockroom_app;
grant execute on function stockroom_api.set_order_terms(bigint, bigint, text[], text, text, jsonb) to stockroom_app;
