-- The levels that changed since a place, for programs. A place is a transaction number: everything committed before the oldest
-- transaction that was open when the place was noted is behind it. The number that wrote a row is in the row (`xmin`), so that nothing
-- more is written when stock changes, and no change is lost, in whatever order transactions commit.

-- Which server counts the transactions, and the place to read from next time. Behind a restore or a promotion another one counts.
create function stockroom_api.levels_place() returns table (mark text, floor bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select substr(md5(s.system_identifier::text || ':' || c.timeline_id::text), 1, 12),
           pg_snapshot_xmin(pg_current_snapshot())::text::bigint
      from pg_control_system() s cross join pg_control_checkpoint() c;
$$;

-- The most transactions back to which a row's number is unambiguous, or null to read everything: no place is given, the place is of
-- another server, or it is too old.
create function stockroom_api.levels_back(_mark text, _floor bigint) returns int
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select age(_floor::text::xid8::xid)
      from stockroom_api.levels_place() p
     where p.mark = _mark and _floor between p.floor - 1000000000 and pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
$$;

-- What a buyer can have of each variant that changed in the last `_back` transactions; of each variant if that is null.
create function stockroom_api.changed_levels(_back int)
    returns table (variant_id uuid, sku text, available int, is_active boolean, on_hand int, reserved int)
    language sql stable as $$
    select v.id, v.sku, case when v.is_active then greatest(v.computed_available_stock, 0) else 0 end, v.is_active,
           v.stock_quantity, v.reserved_quantity
      from public.product_variants v
     where _back is null or age(v.xmin) between 0 and _back;
$$;

-- A page of levels in the order of variant ids, after one of them: all, or those that changed since a place.
create function stockroom_api.page_of_levels(_mark text, _floor bigint, _after uuid, _limit int)
    returns table (variant_id uuid, sku text, available int, is_active boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.variant_id, c.sku, c.available, c.is_active
      from stockroom_api.changed_levels(stockroom_api.levels_back(_mark, _floor)) c
     where _after is null or c.variant_id > _after
     order by c.variant_id
     limit _limit;
$$;

-- The levels of variants by id and by SKU, which is found as in a cart. Unknown ones are left out.
create function stockroom_api.levels_of(_ids uuid[], _skus text[])
    returns table (variant_id uuid, sku text, available int, is_active boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select c.variant_id, c.sku, c.available, c.is_active
      from stockroom_api.changed_levels(null) c
     where c.variant_id = any (_ids || array(select stockroom_api.wanted_variant(null, s.sku) from unnest(_skus) s (sku)))
     order by c.variant_id;
$$;

grant execute on function
    stockroom_api.levels_place(), stockroom_api.page_of_levels(text, bigint, uuid, int), stockroom_api.levels_of(uuid[], text[])
    to stockroom_app;
