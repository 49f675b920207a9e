-- The storefront's calls without a ledger: lock, check, update, and write a row of the same columns with a sha256. They run with the
-- rights of the application, as ours do: for a superuser, PostgreSQL checks none.
drop function if exists bare_change(uuid, int, text), bare_order(uuid, jsonb), bare_by_hand(uuid, int, text, text, text, text);
drop table if exists bare_variants, bare_movements, same_movements, same_variants, sold;
create table bare_variants (like public.product_variants including generated including defaults, primary key (id));
create table bare_movements (like public.stock_movements including identity including defaults, primary key (id));
insert into bare_variants (id, product_id, sku, stock_quantity)
select id, product_id, sku, 1000000000 from public.product_variants;

-- The variants to sell, by number.
create table sold (n serial primary key, id uuid not null, sku text not null);
insert into sold (id, sku) select id, sku from public.product_variants order by id limit :variants;
analyze bare_variants, bare_movements, sold;
grant select on sold to stockroom_app;
grant select, insert, update on bare_variants, bare_movements to stockroom_app;

create function bare_change(_variant_id uuid, _change int, _key text) returns jsonb
    language plpgsql as $$
declare
    _variant bare_variants;
    _id bigint;
begin
    select * into _variant from bare_variants where id = _variant_id for update;
    if _variant.stock_quantity + _change < 0 then
        return '{"success": false}';
    end if;
    update bare_variants set stock_quantity = stock_quantity + _change, movement_sequence = movement_sequence + 1
     where id = _variant_id;
    insert into bare_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
           variant_sequence, operation_id, reference_type, reference_id, performed_by, occurred_at, chain_hash)
    values (_variant_id, _variant.sku, 'sale', 'stock_decrease', _change, _variant.stock_quantity, _variant.stock_quantity + _change,
            _variant.movement_sequence + 1, 1, 'order', _key, 'Storefront', now(),
            sha256(convert_to(concat_ws('|', _variant_id, _variant.movement_sequence, _variant.sku, _change,
                                        _variant.stock_quantity, _key, now()), 'UTF8')))
    returning id into _id;
    return jsonb_build_object('success', true, 'variant_id', _variant_id, 'previous_stock', _variant.stock_quantity,
                              'new_stock', _variant.stock_quantity + _change, 'movement_id', _id);
end $$;

create function bare_order(_order_id uuid, _items jsonb) returns jsonb
    language plpgsql as $$
declare
    _item record;
    _variant bare_variants;
begin
    for _item in select (i ->> 'variant_id')::uuid as id, (i ->> 'quantity')::int as units from jsonb_array_elements(_items) i order by 1
    loop
        select * into _variant from bare_variants where id = _item.id for update;
        if _variant.stock_quantity < _item.units then
            return '{"success": false}';
        end if;
        update bare_variants set stock_quantity = stock_quantity - _item.units, movement_sequence = movement_sequence + 1
         where id = _item.id;
        insert into bare_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
               variant_sequence, operation_id, reference_type, reference_id, performed_by, occurred_at, chain_hash)
        values (_item.id, _variant.sku, 'sale', 'stock_decrease', -_item.units, _variant.stock_quantity,
                _variant.stock_quantity - _item.units, _variant.movement_sequence + 1, 1, 'order', _order_id, 'Storefront', now(),
                sha256(convert_to(concat_ws('|', _item.id, _variant.movement_sequence, _variant.sku, _item.units,
                                            _variant.stock_quantity, _order_id, now()), 'UTF8')));
    end loop;
    return '{"success": true}';
end $$;

-- Changes by hand write the same row: into tables with the indexes, checks and foreign key of the ledger's.
create table same_variants (like public.product_variants including all);
create table same_movements (like public.stock_movements including all, foreign key (variant_id) references same_variants (id));
insert into same_variants (id, product_id, sku, stock_quantity, movement_sequence)
select id, product_id, sku, 1000000000, movement_sequence from public.product_variants;
insert into same_movements overriding system value select * from public.stock_movements;
select setval(pg_get_serial_sequence('same_movements', 'id'), (select max(id) from same_movements));
grant select, insert, update on same_variants, same_movements to stockroom_app;
analyze same_variants, same_movements;

create function bare_by_hand(_variant_id uuid, _change int, _type text, _reason text, _reference text, _person text) returns bigint
    language plpgsql as $$
declare
    _variant same_variants;
    _id bigint;
begin
    select * into _variant from same_variants where id = _variant_id for update;
    if _variant.stock_quantity + _change < 0 then
        return null;
    end if;
    update same_variants set stock_quantity = stock_quantity + _change, movement_sequence = movement_sequence + 1
     where id = _variant_id;
    insert into same_movements (variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
           variant_sequence, operation_id, reference_type, reference_id, performed_by, occurred_at, chain_hash)
    values (_variant_id, _variant.sku, _type, _reason, _change, _variant.stock_quantity, _variant.stock_quantity + _change,
            _variant.movement_sequence + 1, 1, case when _reference is not null then 'receipt' end, _reference, _person, now(),
            sha256(convert_to(concat_ws('|', _variant_id, _variant.movement_sequence, _variant.sku, _change,
                                        _variant.stock_quantity, _reference, now()), 'UTF8')))
    returning id into _id;
    return _id;
end $$;
