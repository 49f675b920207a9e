-- The everyday sale of several variants in few statements, as post_one is that of one line.

-- A line of a sale: its movement, the level after it, and the units of the sale's own hold, which it frees.
create type stockroom_api.sold_line as (
    id bigint, variant_id uuid, sku text, quantity int, after int, sequence int, held int, chain_hash bytea
);

-- Post a sale of several variants at a moment of today, each named once. They are locked in ascending id. Units held by `_own` are the
-- sale's and become free. It writes what post_lines writes, and returns the lines in the order of the variants. It writes nothing and
-- returns null if a variant is unknown or has too little stock, an expired hold, or a movement of a later day, or if `_own` has ended
-- or holds other variants.
create function stockroom_api.post_sale(
    _operation_id bigint, _performed_by text, _reference_id text, _variants uuid[], _units int[], _own uuid, _at timestamptz
) returns stockroom_api.sold_line[]
    language plpgsql as $$
declare
    _sold stockroom_api.sold_line[] := array_fill(null::stockroom_api.sold_line, array[cardinality(_variants)]);
    _variant record;
    _n int;
    _held int;
    _is_held boolean := false;
begin
    for _variant in
        select v.id, v.sku, v.stock_quantity as on_hand, v.reserved_quantity as reserved, v.movement_sequence + 1 as sequence,
               v.chain_head, v.last_moved_at
          from public.product_variants v where v.id = any (_variants) order by v.id for no key update
    loop
        _n := array_position(_variants, _variant.id);
        _held := 0;
        if _own is not null then
            _held := coalesce((select h.quantity from stockroom.reservation_lines h
                                where h.reservation_id = _own and h.variant_id = _variant.id), 0);
        end if;
        if _variant.on_hand - _units[_n] < _variant.reserved - _held
           or _variant.last_moved_at > now() and stockroom_api.shop_day(_variant.last_moved_at) > stockroom_api.shop_day(now()) then
            return null;
        end if;
        _is_held := _is_held or _variant.reserved > _held;
        _sold[_n] := row (null, _variant.id, _variant.sku, _units[_n], _variant.on_hand - _units[_n], _variant.sequence, _held,
            stockroom_api.link(_variant.chain_head, _variant.id, _variant.sequence, _variant.sku, 'sale', 'stock_decrease', -_units[_n],
                _variant.on_hand, _variant.on_hand - _units[_n], _operation_id, 'order', _reference_id, null, _performed_by, null,
                _at, now()));
    end loop;
    for _n in 1..cardinality(_variants) loop
        if _sold[_n] is null then  -- unknown, or named twice
            return null;
        end if;
        _sold[_n].id := nextval('public.stock_movements_id_seq');
    end loop;
    if _is_held and exists (select from stockroom_api.expired_holds e
                             where e.variant_id = any (_variants) and e.id is distinct from _own) then
        return null;
    end if;
    if _own is not null and not stockroom_api.is_hold_of(_own, _variants) then
        return null;
    end if;
    perform stockroom_api.write_sale(_operation_id, _performed_by, _reference_id, _sold, _at);
    return _sold;
end $$;

-- Whether a hold is active and holds no other variants than these. Their rows are locked, so it stays so.
create function stockroom_api.is_hold_of(_id uuid, _variants uuid[]) returns boolean
    language sql stable as $$
    select exists (select from stockroom.reservations r where r.id = _id and r.state = 'active')
       and not exists (select from stockroom.reservation_lines h where h.reservation_id = _id and h.variant_id <> all (_variants));
$$;

-- Write a sale whose variants are locked: the levels, the movements and the rollup.
create function stockroom_api.write_sale(
    _operation_id bigint, _performed_by text, _reference_id text, _sold stockroom_api.sold_line[], _at timestamptz
) returns void
    language plpgsql as $$
begin
    update public.product_variants v
       set stock_quantity = l.after, reserved_quantity = v.reserved_quantity - l.held, movement_sequence = l.sequence,
           chain_head = l.chain_hash, last_moved_at = greatest(v.last_moved_at, _at), updated_at = now()
      from unnest(_sold) l where v.id = l.variant_id;
    insert into public.stock_movements (id, variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
           variant_sequence, operation_id, reference_type, reference_id, performed_by, occurred_at, created_at, chain_hash)
        overriding system value
    select l.id, l.variant_id, l.sku, 'sale', 'stock_decrease', -l.quantity, l.after + l.quantity, l.after, l.sequence,
           _operation_id, 'order', _reference_id, _performed_by, _at, now(), l.chain_hash
      from unnest(_sold) l;
    perform stockroom_api.roll_up_sale(_sold, _at);
end $$;

-- Add a sale of several variants at a moment of today to the rollup, under the lock of the variants. Most days have a row, and an update
-- costs less than an insert that meets it. Each statement reads the time zone itself, as everywhere. A change of the zone that
-- it waited for may have put the moment on another day.
create function stockroom_api.roll_up_sale(_sold stockroom_api.sold_line[], _at timestamptz) returns void
    language plpgsql as $$
declare
    _updated int;
begin
    update stockroom.variant_days d
       set sale_out = d.sale_out + l.quantity, movements = d.movements + 1, closing = l.after
      from (select x.variant_id, x.quantity, x.after, stockroom_api.day_at(now(), s.zone) as day
              from unnest(_sold) x cross join stockroom.shop s
             where stockroom_api.day_at(_at, s.zone) = stockroom_api.day_at(now(), s.zone) offset 0) l
     where d.variant_id = l.variant_id and d.day = l.day;
    get diagnostics _updated = row_count;
    if _updated = cardinality(_sold) then
        return;
    elsif stockroom_api.shop_day(_at) <> stockroom_api.shop_day(now()) then
        perform stockroom_api.roll_up(array(
            select row (x.variant_id, 'sale', 'stock_decrease', -x.quantity, _at, null, null, null, null)::stockroom.line
              from unnest(_sold) x));
        return;
    end if;
    insert into stockroom.variant_days (variant_id, day, sale_out, movements, closing)
    select l.variant_id, l.day, l.quantity, 1, l.after
      from (select x.variant_id, x.quantity, x.after, stockroom_api.day_at(now(), s.zone) as day
              from unnest(_sold) x cross join stockroom.shop s) l
     where not exists (select from stockroom.variant_days d where d.variant_id = l.variant_id and d.day = l.day);
end $$;
