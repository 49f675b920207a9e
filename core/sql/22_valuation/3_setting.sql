-- A manager sets what a variant costs. Nothing that was posted changes: units on hand take the cost from now on.

-- Set the cost of variants, all of them or none. `_seen` has the average cost of each as the person saw it (null: not known); another
-- one by now refuses all, unless it is what the person wants. Refuses: SK001, SK003, SK008, SK009, SK010, SK014.
create function stockroom_api.set_costs(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _variant_ids uuid[], _costs numeric[], _seen numeric[],
    _note text
) returns table (operation_id bigint, replayed boolean, variant_id uuid, sku text, unit_cost numeric, value_change numeric)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'set_costs', format('%L %L %L', _variant_ids, _costs, _note), _user_id,
        _performed_by);
begin
    if _operation_id is not null then
        if cardinality(_variant_ids) <> (select count(distinct id) from unnest(_variant_ids) id) then
            perform stockroom_api.refuse_value('lines', 'name the same variant twice');
        elsif array_position(_costs, null) is not null then
            perform stockroom_api.refuse_value('unit cost', 'is needed');
        end if;
        perform stockroom_api.check_costs('purchase', array_fill(1, array[cardinality(_costs)]), _costs);
        perform stockroom_api.lock_variants(_variant_ids);
        perform stockroom_api.refuse_other_costs(_variant_ids, _costs, _seen);
        perform stockroom_api.put_costs(_operation_id, _performed_by, 'given', _variant_ids, _costs, _note);
    end if;
    return query
        select o.id, _operation_id is null, k.variant_id, v.sku, k.unit_cost,
               round(k.on_hand * k.average, d.digits) - coalesce(round(k.on_hand * b.average, d.digits), 0)
          from stockroom.operations o
          join stockroom.cost_steps k on k.operation_id = o.id and k.kind = 'set'
          join public.product_variants v on v.id = k.variant_id
         cross join (select stockroom_api.shop_digits() as digits) d
          left join lateral (select x.average from stockroom.cost_steps x
                              where x.variant_id = k.variant_id and (x.sequence, x.place) < (k.sequence, k.place)
                              order by x.sequence desc, x.place desc limit 1) b on true
         where o.key = _key
         order by v.sku;
end $$;

-- Refuse with SK014 if the average cost of a locked variant is neither the one that was seen nor the one that is wanted.
create function stockroom_api.refuse_other_costs(_variant_ids uuid[], _costs numeric[], _seen numeric[]) returns void
    language plpgsql stable as $$
declare
    _edited jsonb := (
        select jsonb_agg(jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'field', 'unit_cost', 'seen', u.seen::text,
                   'now', k.average::text, 'wanted', u.cost::text, 'by', k.performed_by, 'at', k.at) order by v.sku)
          from unnest(_variant_ids, _costs, _seen) u (id, cost, seen)
          join public.product_variants v on v.id = u.id
          left join lateral (select x.average, x.performed_by, x.at from stockroom.cost_steps x
                              where x.variant_id = v.id order by x.sequence desc, x.place desc limit 1) k on true
         where k.average is distinct from u.seen and k.average is distinct from u.cost);
begin
    if _edited is not null then
        perform stockroom_api.refuse('SK014', 'Somebody else has changed this in the meantime.', jsonb_build_object('edited', _edited));
    end if;
end $$;

grant execute on function
    stockroom_api.set_costs(text, bigint, bigint, text[], text, uuid[], numeric[], numeric[], text) to stockroom_app;
