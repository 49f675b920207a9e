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

-- Lock these variants and end the expired holds on them. Further variants of such holds are locked as well, all in ascending id,
-- so that two callers cannot deadlock. The holds `_own`, whose units the caller is about to take, are consumed. Refuses: SK001.
create function stockroom_api.lock_free_of_expired(_variant_ids uuid[], _own uuid[] default '{}') returns void
    language plpgsql as $$
declare
    _due uuid[] := array(
        select distinct r.id from stockroom.reservation_lines l
          join stockroom.reservations r on r.id = l.reservation_id
         where l.variant_id = any (_variant_ids) and r.state = 'active' and r.expires_at <= clock_timestamp()
           and r.id <> all (_own));
begin
    if _due = '{}' and _own = '{}' then
        perform stockroom_api.lock_variants(_variant_ids);
        return;
    end if;
    perform stockroom_api.lock_variants(array(
        select id from unnest(_variant_ids) id
         union select l.variant_id from stockroom.reservation_lines l where l.reservation_id = any (_due || _own)));
    perform stockroom_api.end_holds(_own, 'consumed');
    perform stockroom_api.end_holds(_due, 'expired');
end $$;
