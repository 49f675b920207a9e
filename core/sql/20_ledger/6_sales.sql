-- The everyday sale of several variants in few statements, as post_line is that of one line.

-- Post a sale of several variants at a moment of today: each is named once, and the caller has locked them. Units held by `_own` are
-- the sale's and become free. It writes what post_lines writes, and returns the movements and SKUs in the order of the variants. It
-- writes nothing and returns nulls if a variant has too little stock, an expired hold, or a movement of a later day, or if `_own`
-- holds other variants.
create function stockroom_api.post_sale(
    _operation_id bigint, _performed_by text, _reference_id text, _variants uuid[], _units int[], _own uuid,
    _at timestamptz default now(), out movements bigint[], out skus text[]
)
    language plpgsql as $$
declare
    _day date := (select (now() at time zone s.zone)::date from stockroom.shop s);
    _sale record;
begin
    select array_agg(l.after) as levels, array_agg(l.sequence) as sequences, array_agg(l.held) as held, array_agg(l.sku) as skus,
           array_agg(l.chain_hash) as hashes, bool_and(l.after >= l.reserved - l.held) as is_there,
           bool_or(l.reserved > l.held) as is_held, max(l.last_moved_at) as last_moved_at
      into _sale
      from (select v.sku, v.stock_quantity - u.quantity as after, v.movement_sequence + 1 as sequence, v.last_moved_at,
                   v.reserved_quantity as reserved, coalesce(h.quantity, 0) as held,
                   stockroom.chain_link(v.chain_head, stockroom.movement_text(v.id, v.movement_sequence + 1, v.sku, 'sale',
                       'stock_decrease', -u.quantity, v.stock_quantity, v.stock_quantity - u.quantity, _operation_id, 'order',
                       _reference_id, null, _performed_by, null, _at, now()), null) as chain_hash
              from unnest(_variants, _units) with ordinality u (variant_id, quantity, n)
              join public.product_variants v on v.id = u.variant_id
              left join stockroom.reservation_lines h on h.reservation_id = _own and h.variant_id = u.variant_id
             order by u.n) l;
    if not _sale.is_there or cardinality(_sale.skus) is distinct from cardinality(_variants)
       or _sale.last_moved_at > now() and (select (_sale.last_moved_at at time zone s.zone)::date > _day from stockroom.shop s)
       or _sale.is_held and exists (select from stockroom_api.expired_holds e
                                     where e.variant_id = any (_variants) and e.id is distinct from _own)
       or _own is not null and exists (select from stockroom.reservation_lines h
                                        where h.reservation_id = _own and h.variant_id <> all (_variants)) then
        return;
    end if;
    skus := _sale.skus;
    for _n in 1..cardinality(_variants) loop
        movements[_n] := nextval('public.stock_movements_id_seq');
    end loop;
    update public.product_variants v
       set stock_quantity = l.after, reserved_quantity = v.reserved_quantity - l.held, movement_sequence = l.sequence,
           chain_head = l.chain_hash, last_moved_at = greatest(v.last_moved_at, _at), updated_at = now()
      from unnest(_variants, _sale.levels, _sale.held, _sale.sequences, _sale.hashes) l (variant_id, after, held, sequence, chain_hash)
     where v.id = l.variant_id;
    insert into public.stock_movements (id, variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
           variant_sequence, operation_id, reference_type, reference_id, performed_by, occurred_at, created_at, chain_hash)
        overriding system value
    select l.id, l.variant_id, l.sku, 'sale', 'stock_decrease', -l.quantity, l.after + l.quantity, l.after, l.sequence,
           _operation_id, 'order', _reference_id, _performed_by, _at, now(), l.chain_hash
      from unnest(movements, _variants, skus, _units, _sale.levels, _sale.sequences, _sale.hashes)
           l (id, variant_id, sku, quantity, after, sequence, chain_hash);
    perform stockroom_api.roll_up_sale(_day, _variants, _units, _sale.levels);
end $$;

-- Add a sale of several variants to the rollup of a day, which ends at these levels, under the lock of the variants. Most days have a
-- row, and an update costs less than an insert that meets it.
create function stockroom_api.roll_up_sale(_day date, _variants uuid[], _units int[], _levels int[]) returns void
    language plpgsql as $$
declare
    _updated int;
begin
    update stockroom.variant_days d
       set sale_out = d.sale_out + l.quantity, movements = d.movements + 1, closing = l.after
      from unnest(_variants, _units, _levels, array_fill(_day, array[cardinality(_variants)])) l (variant_id, quantity, after, day)
     where d.variant_id = l.variant_id and d.day = l.day;
    get diagnostics _updated = row_count;
    if _updated < cardinality(_variants) then
        insert into stockroom.variant_days (variant_id, day, sale_out, movements, closing)
        select l.variant_id, _day, l.quantity, 1, l.after
          from unnest(_variants, _units, _levels) l (variant_id, quantity, after)
         where not exists (select from stockroom.variant_days d where d.variant_id = l.variant_id and d.day = _day);
    end if;
end $$;
