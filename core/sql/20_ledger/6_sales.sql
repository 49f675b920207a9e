-- The everyday sale of several variants in one statement, as post_line is that of one line.

-- Post a sale of several variants at a moment of today: each is named once, and the caller has locked them. Units held by `_own` are
-- the sale's and become free. It writes what post_lines writes, and returns the movements and SKUs in the order of the variants. It
-- writes nothing and returns nulls if a variant has too little stock, an expired hold, or a movement of a later day, or if `_own`
-- holds other variants.
create function stockroom_api.post_sale(
    _operation_id bigint, _performed_by text, _reference_id text, _variants uuid[], _units int[], _own uuid,
    _at timestamptz default now(), out movements bigint[], out skus text[]
)
    language plpgsql as $$
begin
    with line as materialized (
        select l.n, l.quantity, v.id as variant_id, v.sku, v.stock_quantity as before, v.stock_quantity - l.quantity as after,
               v.movement_sequence + 1 as sequence, coalesce(h.quantity, 0) as held,
               stockroom.chain_link(v.chain_head, stockroom.movement_text(v.id, v.movement_sequence + 1, v.sku, 'sale',
                   'stock_decrease', -l.quantity, v.stock_quantity, v.stock_quantity - l.quantity, _operation_id, 'order',
                   _reference_id, null, _performed_by, null, _at, now()), null) as chain_hash
          from unnest(_variants, _units) with ordinality l (variant_id, quantity, n)
          join public.product_variants v on v.id = l.variant_id
         cross join stockroom.shop s
          left join stockroom.reservation_lines h on h.reservation_id = _own and h.variant_id = l.variant_id
         where v.stock_quantity - l.quantity >= v.reserved_quantity - coalesce(h.quantity, 0)
           and ((v.last_moved_at at time zone s.zone)::date <= (now() at time zone s.zone)::date or v.last_moved_at is null)
           and (v.reserved_quantity = coalesce(h.quantity, 0)
                or not exists (select from stockroom_api.expired_holds e where e.variant_id = v.id and e.id is distinct from _own))
         order by l.n
    ), sale as materialized (
        select l.*, (now() at time zone s.zone)::date as day
          from stockroom.shop s cross join line l
         where (select count(*) from line) = cardinality(_variants)
           and (_own is null or not exists (select from stockroom.reservation_lines h
                                             where h.reservation_id = _own and h.variant_id <> all (_variants)))
    ), moved as (
        update public.product_variants v
           set stock_quantity = s.after, reserved_quantity = v.reserved_quantity - s.held, movement_sequence = s.sequence,
               chain_head = s.chain_hash, last_moved_at = greatest(v.last_moved_at, _at), updated_at = now()
          from sale s where v.id = s.variant_id
    ), rolled_up as (
        insert into stockroom.variant_days as d (variant_id, day, sale_out, movements, closing)
        select s.variant_id, s.day, s.quantity, 1, s.after from sale s
        on conflict (variant_id, day) do update
           set sale_out = d.sale_out + excluded.sale_out, movements = d.movements + 1, closing = excluded.closing
    ), written as (
        insert into public.stock_movements as m (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
               variant_sequence, operation_id, reference_type, reference_id, performed_by, occurred_at, created_at, chain_hash)
        select s.variant_id, s.sku, 'sale', 'stock_decrease', -s.quantity, s.before, s.after, s.sequence, _operation_id, 'order',
               _reference_id, _performed_by, _at, now(), s.chain_hash
          from sale s
        returning m.id, m.sku
    )
    select array_agg(w.id), array_agg(w.sku) into post_sale.movements, skus from written w;
end $$;
