-- Ending holds: consumed by their order, released, or expired. The first caller that notices an expired hold ends it.

-- End holds that are still active and give their units back. The variants are locked. Returns the holds that ended here.
create function stockroom_api.end_holds(_ids uuid[], _state text) returns uuid[]
    language sql as $$
    with ended as (
        update stockroom.reservations set state = _state, ended_at = now()
         where id = any (_ids) and state = 'active'
        returning id
    ), freed as (
        update public.product_variants v
           set reserved_quantity = v.reserved_quantity - f.quantity, updated_at = now()
          from (select l.variant_id, sum(l.quantity)::int as quantity
                  from ended e join stockroom.reservation_lines l on l.reservation_id = e.id
                 group by 1) f
         where v.id = f.variant_id
    )
    select coalesce(array_agg(e.id), '{}') from ended e;
$$;

-- The variants of expired holds that nobody has ended yet.
create view stockroom_api.expired_holds as
select l.variant_id, r.id
  from stockroom.reservation_lines l
  join stockroom.reservations r on r.id = l.reservation_id
 where r.state = 'active' and r.expires_at <= clock_timestamp();

-- The expired holds on these variants that nobody has ended yet, but for `_own`.
create function stockroom_api.due_holds(_variant_ids uuid[], _own uuid[]) returns uuid[]
    language sql stable as $$
    select array(
        select distinct h.id from stockroom_api.expired_holds h where h.variant_id = any (_variant_ids) and h.id <> all (_own));
$$;

-- Lock these variants and end the expired holds on them. Further variants of such holds are locked as well, all in ascending id,
-- so that two callers cannot deadlock. The holds `_own`, whose units the caller is about to take, are consumed. Refuses: SK001.
create function stockroom_api.lock_free_of_expired(_variant_ids uuid[], _own uuid[] default '{}') returns void
    language plpgsql as $$
declare
    _due uuid[] := stockroom_api.due_holds(_variant_ids, _own);
    _locked uuid[] := _variant_ids;
begin
    if _due <> '{}' or _own <> '{}' then
        _locked := array(
            select id from unnest(_variant_ids) id
             union select l.variant_id from stockroom.reservation_lines l where l.reservation_id = any (_due || _own));
    end if;
    perform stockroom_api.lock_variants(_locked);
    if _own <> '{}' then
        perform stockroom_api.end_holds(_own, 'consumed');
    end if;
    -- Holds may have expired during the wait for the locks. Their units are free too.
    _due := stockroom_api.due_holds(_variant_ids, _own);
    if _due <> '{}' then
        perform stockroom_api.end_locked_holds(_due, _locked);
    end if;
end $$;

-- End expired holds whose variants are all among `_locked`, or can be locked without waiting: waiting out of order could deadlock.
create function stockroom_api.end_locked_holds(_due uuid[], _locked uuid[]) returns void
    language plpgsql as $$
begin
    _locked := _locked || array(
        select v.id from public.product_variants v
         where v.id in (select l.variant_id from stockroom.reservation_lines l where l.reservation_id = any (_due))
           and v.id <> all (_locked)
         order by v.id for no key update skip locked);
    perform stockroom_api.end_holds(array(
        select id from unnest(_due) id
         where not exists (select from stockroom.reservation_lines l
                            where l.reservation_id = id and l.variant_id <> all (_locked))), 'expired');
end $$;
