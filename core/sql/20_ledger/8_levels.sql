-- Setting levels: to what a person saw on the shelf. A count also lowers a level below what checkouts hold; the holds that no
-- longer fit are given up, the latest first.

-- Lock the variants of a change to these levels, and the variants of holds that may have to be given up for it, all in ascending
-- id. Expired holds on them end. Returns all that is locked. Refuses: SK001.
create function stockroom_api.lock_for_levels(_variant_ids uuid[], _targets int[]) returns uuid[]
    language plpgsql as $$
declare
    _all uuid[] := array(
        select u.id from unnest(_variant_ids) u (id)
         union
        select other.variant_id
          from unnest(_variant_ids, _targets) u (id, target)
          join public.product_variants v on v.id = u.id and v.reserved_quantity > u.target
          join stockroom.reservation_lines l on l.variant_id = u.id
          join stockroom.reservations r on r.id = l.reservation_id and r.state = 'active'
          join stockroom.reservation_lines other on other.reservation_id = r.id);
begin
    perform stockroom_api.lock_free_of_expired(_all);
    return _all;
end $$;

-- Give up the latest holds on each variant until the others fit its target level, and record which. The variants of `_locked` are
-- locked. A hold that came in before the locks and has further variants is met again in a retry: waiting for them could deadlock.
create function stockroom_api.give_up_holds(_operation_id bigint, _variant_ids uuid[], _targets int[], _locked uuid[]) returns void
    language plpgsql as $$
declare
    _next record;
begin
    for _next in
        select r.id, l.variant_id, l.quantity, u.target
          from unnest(_variant_ids, _targets) u (id, target)
          join public.product_variants v on v.id = u.id and v.reserved_quantity > u.target
          join stockroom.reservation_lines l on l.variant_id = u.id
          join stockroom.reservations r on r.id = l.reservation_id and r.state = 'active'
         order by l.variant_id, r.created_at desc, r.id
    loop
        if (select v.reserved_quantity from public.product_variants v where v.id = _next.variant_id) <= _next.target
           or (select r.state from stockroom.reservations r where r.id = _next.id) <> 'active' then
            continue;
        end if;
        if exists (select from stockroom.reservation_lines l where l.reservation_id = _next.id and l.variant_id <> all (_locked)) then
            raise exception 'A hold was placed in the meantime.' using errcode = '40001';
        end if;
        insert into stockroom.holds_given_up (operation_id, reservation_id, variant_id, units)
        values (_operation_id, _next.id, _next.variant_id, _next.quantity);
        perform stockroom_api.end_holds(array[_next.id], 'released');
    end loop;
end $$;

-- Compare and set: each variant goes to its target only if its level is still the one that the person saw. Otherwise nothing
-- moves, and SK004 has the present level and the movements since. A count gives up the holds that no longer fit. Refuses: as
-- post_change, and SK004.
create function stockroom_api.post_levels(
    _key text, _kind text, _user_id bigint, _session_id bigint, _roles text[], _name text,
    _movement_type text, _reason text, _variant_ids uuid[], _targets int[], _seen int[], _note text default null
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _lines stockroom.line[] := array(
        select row (v, _movement_type, _reason, t - s, null, null, null, null, _note)::stockroom.line
          from unnest(_variant_ids, _targets, _seen) with ordinality u (v, t, s, n) order by n);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, _kind, _lines::text || _targets::text, _user_id, _performed_by);
    _locked uuid[];
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    if cardinality(_variant_ids) <> (select count(distinct id) from unnest(_variant_ids) id) then
        perform stockroom_api.refuse_value('lines', 'name the same variant twice');
    end if;
    perform stockroom_api.check_lines(_lines);
    if _movement_type = 'count' then
        _locked := stockroom_api.lock_for_levels(_variant_ids, _targets);
        perform stockroom_api.refuse_changed(_variant_ids, _seen);
        perform stockroom_api.give_up_holds(_operation_id, _variant_ids, _targets, _locked);
    else
        perform stockroom_api.lock_variants(_variant_ids);
        perform stockroom_api.refuse_changed(_variant_ids, _seen);
    end if;
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
end $$;

-- The holds that operations gave up, by the variant for which.
create view stockroom_api.holds_given_up as
select g.operation_id, g.reservation_id, g.variant_id, v.sku, g.units, r.reference, r.payment_id, r.held_by, r.created_at as held_at
  from stockroom.holds_given_up g
  join stockroom.reservations r on r.id = g.reservation_id
  join public.product_variants v on v.id = g.variant_id;

grant select on stockroom_api.holds_given_up to stockroom_app;
grant execute on function
    stockroom_api.post_levels(text, text, bigint, bigint, text[], text, text, text, uuid[], int[], int[], text) to stockroom_app;
