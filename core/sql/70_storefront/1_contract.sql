-- The rest of the storefront's contract: check a cart, hold it, release it, turn an order into stock changes.

-- The units of a variant that can be sold now. Expired holds do not count, even if no job has ended them yet.
create function stockroom_api.available_now(_variant_id uuid) returns int
    language sql stable as $$
    select v.computed_available_stock + coalesce((
               select sum(l.quantity) from stockroom.reservation_lines l
                 join stockroom.reservations r on r.id = l.reservation_id
                where l.variant_id = v.id and r.state = 'active' and r.expires_at <= clock_timestamp()), 0)::int
      from public.product_variants v where v.id = _variant_id;
$$;

-- Refuse to judge a cart while the tables of the catalogue are missing or empty: nothing is known about its stock.
create function stockroom_api.refuse_without_catalogue() returns void
    language plpgsql stable as $$
declare
    _missing text := case when to_regclass('public.products') is null then 'products'
                          when to_regclass('public.product_variants') is null then 'product_variants' end;
begin
    if _missing is not null then
        raise object_not_in_prerequisite_state
            using message = format('Stock cannot be looked up: the table public.%s is missing. Restore a backup.', _missing);
    end if;
    if not exists (select from public.product_variants) then
        raise object_not_in_prerequisite_state
            using message = 'Stock cannot be looked up: the catalogue has no variants. Import it or adopt the old database.';
    end if;
end $$;

-- Whether a cart can be sold now: `valid`, an issue for every line that cannot be sold, and every line with the available units.
-- `errors`, `total_items` and `valid_items` say the same in the names of older storefronts.
-- Nothing is changed and nothing is held. Lines of one variant are added up, and so are lines that name only the same product.
create function stockroom_api.check_cart(_items jsonb) returns jsonb
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    _checked jsonb;
begin
    perform stockroom_api.refuse_no_cart(_items);
    perform stockroom_api.refuse_without_catalogue();
    select jsonb_agg(jsonb_build_object('itemId', c.item_id, 'variantId', c.variant_id, 'productId', c.product_id, 'sku', c.sku,
               'requested', c.quantity, 'availableStock', c.available, 'code', c.code,
               'message', stockroom_api.cart_sentence(c.code, c.name, c.available, c.asked)) order by c.n)
      into _checked
      from stockroom_api.checked_items(_items) c;
    return jsonb_build_object(
        'valid', not exists (select from jsonb_array_elements(_checked) c where c ->> 'code' is not null),
        'issues', coalesce((select jsonb_agg(c - '{variantId,productId,sku}'::text[])
                              from jsonb_array_elements(_checked) c where c ->> 'code' is not null), '[]'),
        'items', (select jsonb_agg(c - '{code,message}'::text[]) from jsonb_array_elements(_checked) c),
        'errors', coalesce((select jsonb_agg(jsonb_build_object('item_id', c -> 'itemId', 'variant_id', c -> 'variantId',
                                       'product_id', c -> 'productId', 'sku', c -> 'sku', 'code', c -> 'code', 'error', c -> 'message',
                                       'requested', c -> 'requested', 'available', c -> 'availableStock'))
                              from jsonb_array_elements(_checked) c where c ->> 'code' is not null), '[]'),
        'total_items', jsonb_array_length(_checked),
        'valid_items', (select count(*) from jsonb_array_elements(_checked) c where c ->> 'code' is null));
end $$;

-- Each line of a cart with the available units, and the code of its issue, if it has one.
create function stockroom_api.checked_items(_items jsonb)
    returns table (n bigint, item_id text, quantity int, asked text, variant_id uuid, product_id uuid, sku text, name text,
                   available int, code text)
    language sql stable as $$
    with item as materialized (
        select i.*, p.name, v.is_active,
               case when i.names_variant then coalesce(stockroom_api.available_now(i.variant_id), 0)
                    else coalesce((select sum(stockroom_api.available_now(x.id)) from public.product_variants x
                                    where x.product_id = i.product_id and x.is_active), 0)::int end as available,
               sum(i.quantity) over (partition by i.names_variant, coalesce(i.variant_id, i.product_id)) as together
          from stockroom_api.cart_items(_items) i
          left join public.product_variants v on v.id = i.variant_id
          left join public.products p on p.id = i.product_id
    )
    select i.n, i.item_id, i.quantity, i.asked, i.variant_id, i.product_id, i.sku, i.name,
           case when i.is_active is false then 0 else i.available end,
           case when i.quantity is null then 'invalid_quantity'
                when i.names_variant and i.variant_id is null then 'unknown_variant'
                when not i.names_variant and i.name is null then 'unknown_product'
                when i.is_active is false then 'inactive'
                when i.available = 0 then 'out_of_stock'
                when i.together > i.available then 'insufficient_stock' end
      from item i;
$$;

-- The issue of a line as a sentence for the buyer.
create function stockroom_api.cart_sentence(_code text, _name text, _available int, _asked text) returns text
    language sql immutable
    return case _code
        when 'invalid_quantity' then format('%s is not a quantity that can be bought.', coalesce(_asked, 'Nothing'))
        when 'unknown_variant' then 'This variant is not in the catalogue.'
        when 'unknown_product' then 'This product is not in the catalogue.'
        when 'inactive' then format('%s is no longer sold.', _name)
        when 'out_of_stock' then format('%s is out of stock.', _name)
        when 'insufficient_stock' then
            format('Only %s of %s %s left.', _available, _name, case _available when 1 then 'is' else 'are' end)
    end;

-- Why a line of an order failed, as a sentence.
create function stockroom_api.line_sentence(_cause text, _sku text) returns text
    language sql immutable
    return case _cause when 'insufficient_stock' then format('There is not enough stock of %s.', _sku)
                       when 'unknown_variant' then format('%s is not a variant in the catalogue.', _sku)
                       else format('%s could not be taken off the shelf.', _sku) end;

-- Apply an order that the storefront has been paid for: lines with enough stock are taken off the shelf, the others open a case;
-- the order never fails. The same order again returns the same. A line that names only a product opens a case, unless the product
-- has one variant. The hold with the order's id as its reference is consumed. Refuses: SK008 without an id, if it is not a cart, or if
-- a line has no quantity; then nothing is recorded.
create function stockroom_api.process_order(_order_id uuid, _items jsonb) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _payment_id text := 'order:' || _order_id;
begin
    if _order_id is null then
        perform stockroom_api.refuse_value('order_id', 'is missing');
    end if;
    perform stockroom_api.refuse_no_cart(_items);
    if (select bool_or(i.quantity is null) from stockroom_api.cart_items(_items) i) then
        perform stockroom_api.refuse_value('items', 'needs a whole quantity from 1 to 1,000,000 on every line');
    end if;
    perform stockroom_api.apply_orders(jsonb_build_array(jsonb_build_object(
        'payment_id', _payment_id, 'number', _order_id, 'amount', 0, 'currency', lower((select currency from stockroom.shop)),
        'paid_at', now(), 'livemode', true, 'policy', 'normal', 'cart_state', 'read', 'cart_source', 'storefront',
        'reservation_id', (select r.id from stockroom.reservations r
                            where r.reference = _order_id::text and r.state = 'active' order by r.created_at desc limit 1),
        'lines', (select jsonb_agg(jsonb_build_object('code', coalesce(i.variant_id::text, i.sku, i.product_id::text, i.item_id),
                              'variant_id', case when i.names_variant then i.variant_id end, 'quantity', i.quantity) order by i.n)
                    from stockroom_api.cart_items(_items) i))));
    return (select jsonb_build_object('success', bool_and(l.state <> 'failed'), 'recorded', true, 'order_id', _order_id,
                       'message', stockroom_api.order_sentence(count(*) filter (where l.state = 'failed'), count(*)),
                       'total_items', count(*), 'valid_items', count(*) filter (where l.state <> 'failed'),
                       'errors', coalesce(jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'sku', coalesce(v.sku, l.code),
                           'code', l.cause, 'error', stockroom_api.line_sentence(l.cause, coalesce(v.sku, l.code)),
                           'requested', l.quantity) order by l.position) filter (where l.state = 'failed'), '[]'),
                       'lines', jsonb_agg(jsonb_build_object(
                       'code', l.code, 'variant_id', l.variant_id, 'sku', v.sku, 'quantity', l.quantity, 'taken', l.taken,
                       'state', l.state, 'error', l.cause) order by l.position))
              from stockroom.orders o
              join stockroom_api.cart_lines l on l.order_id = o.id
              left join public.product_variants v on v.id = l.variant_id
             where o.payment_id = _payment_id);
end $$;

drop function if exists public.validate_order_stock(jsonb);
drop function if exists public.process_order_stock_changes(uuid, jsonb);
drop function if exists public.reserve_stock(jsonb, text, int, text);
drop function if exists public.release_reservation(uuid);

-- Check a cart, for storefronts that call the database. Anything that is not a cart gets an answer too.
create function public.validate_order_stock(order_items jsonb) returns jsonb
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return stockroom_api.check_cart(order_items);
exception when sqlstate 'SK008' then
    return jsonb_build_object('valid', false, 'items', '[]'::jsonb,
        'issues', jsonb_build_array(jsonb_build_object('code', 'invalid_items', 'message', sqlerrm)),
        'errors', jsonb_build_array(jsonb_build_object('code', 'invalid_items', 'error', sqlerrm)), 'total_items', 0, 'valid_items', 0);
when object_not_in_prerequisite_state then
    return jsonb_build_object('valid', false, 'verified', false, 'items', '[]'::jsonb,
        'issues', jsonb_build_array(jsonb_build_object('code', 'unavailable', 'message', sqlerrm)),
        'errors', jsonb_build_array(jsonb_build_object('code', 'unavailable', 'error', sqlerrm)), 'total_items', 0, 'valid_items', 0);
end $$;

-- Take the lines of a paid order off the shelf, for storefronts that call the database; safe to repeat. Two calls with one order's id
-- wait for each other.
create function public.process_order_stock_changes(order_id uuid, order_items jsonb) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '10s'
    set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    _outcome jsonb;
begin
    perform pg_advisory_xact_lock(hashtextextended('order:' || order_id, 0));
    _outcome := stockroom_api.everyday_order(order_id, order_items);
    if _outcome is not null then
        return _outcome;
    end if;
    begin
        return stockroom_api.process_order(order_id, order_items);
    exception when sqlstate 'SK008' then
        return jsonb_build_object('success', false, 'recorded', false, 'order_id', order_id, 'error', sqlerrm, 'lines', '[]'::jsonb,
            'errors', jsonb_build_array(jsonb_build_object('code', 'invalid_items', 'error', sqlerrm)), 'total_items', 0, 'valid_items', 0);
    end;
end $$;

-- Return the hold of a reference. The cart is held, all of it or nothing, if the reference has no hold, or one that has ended unused.
-- A hold of another cart is replaced. Calls with one reference wait for each other. Refuses as `hold` does, and an old hold stays.
create function stockroom_api.hold_for(_reference text, _items jsonb, _ttl_seconds int) returns uuid
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '500ms' as $$
declare
    _old record;
begin
    perform pg_advisory_xact_lock(hashtextextended('hold:' || _reference, 0));
    select r.id, r.state, r.state = 'active' and r.expires_at > clock_timestamp() as is_held into _old
      from stockroom.reservations r
     where r.reference = _reference and r.held_by = 'Storefront' order by r.created_at desc, r.id desc limit 1;
    if _old.state = 'consumed' or _old.is_held and stockroom_api.is_cart_of(_old.id, _items) then
        return _old.id;
    elsif _old.is_held then
        perform stockroom_api.lock_variants(array(
            select l.variant_id from stockroom.reservation_lines l where l.reservation_id = _old.id
            union select w.variant_id from stockroom_api.wanted_units(_items) w));
        perform stockroom_api.end_holds(array[_old.id], 'released');
    end if;
    return stockroom_api.hold('hold:' || gen_random_uuid(), _items, _reference, _ttl_seconds, 'Storefront');
end $$;

-- Whether a hold has exactly the units of this cart.
create function stockroom_api.is_cart_of(_id uuid, _items jsonb) returns boolean
    language sql stable as $$
    select not exists (
        select from (select l.variant_id, l.quantity from stockroom.reservation_lines l where l.reservation_id = _id) h
          full join stockroom_api.wanted_units(_items) w on w.variant_id = h.variant_id and w.quantity = h.quantity
         where h.variant_id is null or w.variant_id is null);
$$;

-- Hold a cart for `ttl_seconds`, all of it or nothing. Without an idempotency key, a reference has one hold: see `hold_for`. Lines may
-- name variants in either spelling, or a product and a size if one variant is meant. It is a success only while the units are held,
-- or once an order has taken them.
create function public.reserve_stock(
    items jsonb, reference text, ttl_seconds int default 1800, idempotency_key text default null
) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _id uuid;
    _facts text;
    _cart jsonb;
begin
    _cart := stockroom_api.meant_items(stockroom_api.spelt_items(items));
    _id := case when idempotency_key is null and reference is not null
                then stockroom_api.hold_for(reference, _cart, ttl_seconds)
                else stockroom_api.hold('hold:' || coalesce(idempotency_key, gen_random_uuid()::text), _cart, reference, ttl_seconds,
                                        'Storefront') end;
    return (select jsonb_build_object('success', r.state in ('active', 'consumed'), 'reservation_id', r.id, 'state', r.state,
                       'expires_at', r.expires_at, 'lines', r.lines)
                   || case when r.state in ('active', 'consumed') then '{}'
                           else jsonb_build_object('error', 'The reservation has expired or was released.') end
              from stockroom_api.reservations r where r.id = _id);
exception when sqlstate 'SK001' or sqlstate 'SK002' or sqlstate 'SK003' or sqlstate 'SK008' then
    get stacked diagnostics _facts = pg_exception_detail;
    return jsonb_build_object('success', false, 'error', sqlerrm) || coalesce(nullif(_facts, ''), '{}')::jsonb;
end $$;

-- Release a hold; a repeat is not an error.
create function public.release_reservation(reservation_id uuid) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return jsonb_build_object('success', true, 'reservation_id', reservation_id,
        'state', stockroom_api.release_hold(reservation_id));
exception when sqlstate 'SK007' then
    return jsonb_build_object('success', false, 'reservation_id', reservation_id, 'error', sqlerrm);
end $$;

grant execute on function stockroom_api.check_cart(jsonb), stockroom_api.process_order(uuid, jsonb) to stockroom_app;

-- Only the storefront's server may call them.
do $$
declare
    _call text;
    _role text;
begin
    foreach _call in array array['validate_order_stock(jsonb)', 'process_order_stock_changes(uuid, jsonb)',
                                 'reserve_stock(jsonb, text, int, text)', 'release_reservation(uuid)'] loop
        execute format('revoke all on function public.%s from public', _call);
        execute format('grant execute on function public.%s to stockroom_app', _call);
        for _role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
            execute format('revoke all on function public.%s from %I', _call, _role);
        end loop;
        if exists (select from pg_roles where rolname = 'service_role') then
            execute format('grant execute on function public.%s to service_role', _call);
        end if;
    end loop;
end $$;
