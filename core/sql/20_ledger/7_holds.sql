-- Holding units for a checkout: all of a cart or nothing. Held units are not available to others. A hold ends once.

-- Release the holds of cancelled payments: those bound to a payment, and those that its metadata names.
create function stockroom_api.release_payments(_payment_ids text[], _ids uuid[]) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _held uuid[] := array(
        select r.id from stockroom.reservations r
         where r.state = 'active' and (r.id = any (_ids) or r.payment_id = any (_payment_ids)));
begin
    perform stockroom_api.lock_variants(array(
        select distinct l.variant_id from stockroom.reservation_lines l where l.reservation_id = any (_held)));
    return cardinality(stockroom_api.end_holds(_held, 'released'));
end $$;

-- One line to hold: a variant by its id or SKU.
create type stockroom_api.wanted as (variant_id uuid, sku text, quantity numeric);

-- The variant of a line to hold; null if it is unknown. A SKU is found in any spelling, and by a former SKU or another code of one
-- unit, as in a cart that is checked or paid.
create function stockroom_api.wanted_variant(_variant_id uuid, _sku text) returns uuid
    language sql stable as $$
    select case when _variant_id is not null then (select v.id from public.product_variants v where v.id = _variant_id)
                when _sku is not null then coalesce(
                    (select v.id from public.product_variants v where v.sku = _sku),
                    (select f.variant_id from stockroom_api.find_code(_sku) f where f.units = 1)) end;
$$;

-- Refuse what is not a cart: a list of 1 to 500 lines. Refuses: SK008.
create function stockroom_api.refuse_no_cart(_items jsonb) returns void
    language plpgsql stable as $$
begin
    if _items is null or jsonb_typeof(_items) <> 'array' or jsonb_array_length(_items) not between 1 and 500
       or exists (select from jsonb_array_elements(_items) i where jsonb_typeof(i) <> 'object') then
        perform stockroom_api.refuse_value('items', 'must be a list of 1 to 500 lines');
    end if;
end $$;

-- The units of each variant in a cart, with lines of the same variant added up. Refuses: SK008 if it is not a cart.
create function stockroom_api.wanted_units(_items jsonb) returns table (variant_id uuid, quantity int)
    language plpgsql stable as $$
declare
    _why text;
begin
    perform stockroom_api.refuse_no_cart(_items);
    select case when w.quantity is null or w.quantity <> trunc(w.quantity) or w.quantity not between 1 and 1000000 then
                    'needs a whole quantity from 1 to 1,000,000 on every line'
                else 'names a variant that is not in the catalogue' end
      into _why
      from jsonb_populate_recordset(null::stockroom_api.wanted, _items) w
     where w.quantity is null or w.quantity <> trunc(w.quantity) or w.quantity not between 1 and 1000000
        or stockroom_api.wanted_variant(w.variant_id, w.sku) is null
     limit 1;
    if _why is not null then
        perform stockroom_api.refuse_value('items', _why);
    end if;
    return query
        select u.id, sum(u.quantity)::int
          from (select stockroom_api.wanted_variant(w.variant_id, w.sku) as id, w.quantity
                  from jsonb_populate_recordset(null::stockroom_api.wanted, _items) w) u
         group by u.id;
end $$;

-- Hold the units of a cart for `_ttl_seconds`, all or nothing. The same key again returns the same hold in its present state.
-- Refuses: SK002 naming every short variant, SK003, SK008.
create function stockroom_api.hold(_key text, _items jsonb, _reference text, _ttl_seconds int, _held_by text) returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _operation_id bigint;
    _variants uuid[];
    _units int[];
    _id uuid;
begin
    if _ttl_seconds is null or _ttl_seconds not between 10 and 86400 then
        perform stockroom_api.refuse_value('ttl_seconds', 'must be between 10 and 86,400');
    end if;
    perform stockroom_api.check_text('reference', _reference, 200);
    _operation_id := stockroom_api.claim_operation(_key, 'hold', format('%s %L %s', _items, _reference, _ttl_seconds), null, _held_by);
    if _operation_id is null then
        return (select r.id from stockroom.reservations r join stockroom.operations o on o.id = r.operation_id where o.key = _key);
    end if;
    select array_agg(w.variant_id order by w.variant_id), array_agg(w.quantity order by w.variant_id)
      into _variants, _units from stockroom_api.wanted_units(_items) w;
    perform stockroom_api.lock_free_of_expired(_variants);
    perform stockroom_api.refuse_short_hold(_variants, _units);
    insert into stockroom.reservations (reference, held_by, operation_id, expires_at)
    values (_reference, _held_by, _operation_id, now() + make_interval(secs => _ttl_seconds))
    returning id into _id;
    insert into stockroom.reservation_lines (reservation_id, variant_id, quantity)
    select _id, u.variant_id, u.quantity from unnest(_variants, _units) u (variant_id, quantity);
    update public.product_variants v set reserved_quantity = v.reserved_quantity + u.quantity, updated_at = now()
      from unnest(_variants, _units) u (variant_id, quantity) where v.id = u.variant_id;
    return _id;
end $$;

-- Refuse a hold of more units than are available, or of inactive variants: SK002 names every short variant with its numbers.
create function stockroom_api.refuse_short_hold(_variants uuid[], _units int[]) returns void
    language plpgsql as $$
declare
    _short jsonb := (
        select jsonb_agg(jsonb_build_object('variant_id', v.id, 'sku', v.sku, 'requested', u.quantity, 'on_hand', v.stock_quantity,
                   'reserved', v.reserved_quantity,
                   'available', case when v.is_active then v.computed_available_stock else 0 end) order by v.sku)
          from unnest(_variants, _units) u (variant_id, quantity)
          join public.product_variants v on v.id = u.variant_id
         where not v.is_active or v.computed_available_stock < u.quantity);
begin
    if _short is not null then
        perform stockroom_api.refuse('SK002', 'Not enough stock.', jsonb_build_object('short', _short));
    end if;
end $$;

-- Release a hold and return its state; one that has ended is not an error. Refuses: SK007 if there is no such hold.
create function stockroom_api.release_hold(_id uuid) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
begin
    perform stockroom_api.lock_variants(array(select l.variant_id from stockroom.reservation_lines l where l.reservation_id = _id));
    perform stockroom_api.end_holds(array[_id], 'released');
    if not exists (select from stockroom.reservations r where r.id = _id) then
        perform stockroom_api.refuse('SK007', 'The reservation has expired or was released.', jsonb_build_object('reservation', _id));
    end if;
    return (select r.state from stockroom.reservations r where r.id = _id);
end $$;

-- Extend a hold to `_ttl_seconds` from now. Refuses: SK007 if it has ended, SK008.
create function stockroom_api.extend_hold(_id uuid, _ttl_seconds int) returns timestamptz
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _expires_at timestamptz;
begin
    if _ttl_seconds is null or _ttl_seconds not between 10 and 86400 then
        perform stockroom_api.refuse_value('ttl_seconds', 'must be between 10 and 86,400');
    end if;
    update stockroom.reservations set expires_at = now() + make_interval(secs => _ttl_seconds)
     where id = _id and state = 'active' and expires_at > clock_timestamp()
    returning expires_at into _expires_at;
    if _expires_at is null then
        perform stockroom_api.refuse('SK007', 'The reservation has expired or was released.', jsonb_build_object('reservation', _id));
    end if;
    return _expires_at;
end $$;

-- End expired holds and return how many; a job calls it.
create function stockroom_api.expire_holds(_limit int) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _due uuid[] := array(
        select r.id from stockroom.reservations r
         where r.state = 'active' and r.expires_at <= clock_timestamp()
         order by r.expires_at limit _limit);
begin
    perform stockroom_api.lock_variants(array(
        select distinct l.variant_id from stockroom.reservation_lines l where l.reservation_id = any (_due)));
    return cardinality(stockroom_api.end_holds(_due, 'expired'));
end $$;

-- The active holds on a variant.
create function stockroom_api.holds_on(_variant_id uuid) returns setof uuid
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.id from stockroom.reservation_lines l join stockroom.reservations r on r.id = l.reservation_id
     where l.variant_id = _variant_id and r.state = 'active';
$$;

-- The holds, as pages and programs read them. An expired hold is shown as expired even before it is ended.
create view stockroom_api.reservations as
select r.id, r.reference, r.payment_id, r.held_by, r.created_at, r.expires_at, r.ended_at,
       case when r.state = 'active' and r.expires_at <= now() then 'expired' else r.state end as state,
       (select jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'sku', v.sku, 'quantity', l.quantity) order by v.sku)
          from stockroom.reservation_lines l join public.product_variants v on v.id = l.variant_id
         where l.reservation_id = r.id) as lines
  from stockroom.reservations r;

grant select on stockroom_api.reservations to stockroom_app;
grant execute on function
    stockroom_api.hold(text, jsonb, text, int, text), stockroom_api.release_hold(uuid), stockroom_api.extend_hold(uuid, int),
    stockroom_api.expire_holds(int), stockroom_api.holds_on(uuid), stockroom_api.release_payments(text[], uuid[])
    to stockroom_app;
