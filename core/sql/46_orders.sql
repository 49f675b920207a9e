-- Paid orders on their way in: what a cart's codes mean, and recording each payment once. Taking them is 47_taking.sql.

-- A paid sale as the importer read it.
create type stockroom_api.told_order as (
    payment_id text, number text, charge_id text, session_id text, email text, name text, amount bigint, currency text,
    paid_at timestamptz, livemode boolean, policy text, cart_state text, cart_source text, cart_raw text, difference bigint,
    why text, lines jsonb
);

-- A line of it.
create type stockroom_api.told_line as (
    code text, codes text[], size text, name text, quantity int, unit_price bigint
);

-- The variant that one name means beyond doubt, or null: its id, SKU, an alias, barcode, a price of Stripe; else a SKU in other
-- letters, the only variant of a product or its one of that size, the only id that begins so.
create function stockroom_api.variant_of(_code text, _size text) returns uuid
    language sql stable as $$
    select coalesce(
        (select v.id from public.product_variants v
          where v.id = case when _code ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then _code::uuid end),
        (select v.id from public.product_variants v where v.sku = _code),
        (select a.variant_id from stockroom.sku_aliases a where a.code = _code),
        (select (array_agg(v.id))[1] from public.product_variants v where v.barcode = _code having count(*) = 1),
        (select (array_agg(v.id))[1] from public.product_variants v where v.stripe_price_id = _code having count(*) = 1),
        (select (array_agg(v.id))[1] from public.product_variants v where lower(v.sku) = lower(_code) having count(*) = 1),
        (select (array_agg(v.id))[1] from public.product_variants v
          where v.product_id = case when _code ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then _code::uuid end
            and (_size is null or lower(v.size) = lower(_size)) having count(*) = 1),
        (select (array_agg(v.id))[1] from public.product_variants v
          where _code ~* '^[0-9a-f]{8}$' and v.id::text like lower(_code) || '%' having count(*) = 1))
$$;

-- The variant that a line's names mean: the first name that means one.
create function stockroom_api.variant_of_line(_code text, _codes text[], _size text) returns uuid
    language sql stable as $$
    select stockroom_api.variant_of(c.code, _size) from unnest(_code || _codes) with ordinality c (code, n)
     where stockroom_api.variant_of(c.code, _size) is not null
     order by c.n limit 1;
$$;

-- Record the orders that are new, with their lines; of a known one only learn what was missing. A new line is open ('failed')
-- until it is taken, or skipped by policy. Returns the ids of the new orders. Sorted, so two workers never wait in a circle.
create function stockroom_api.record_orders(_orders jsonb) returns bigint[]
    language sql as $$
    with told as materialized (
        select distinct on (t.payment_id) t.*
          from jsonb_populate_recordset(null::stockroom_api.told_order, _orders) t
         order by t.payment_id, t.cart_state = 'read' desc
    ), added as (
        insert into stockroom.orders (payment_id, number, charge_id, session_id, email, name, amount, currency, paid_at,
               livemode, policy, cart_state, cart_source, cart_raw, difference)
        select t.payment_id, t.number, t.charge_id, t.session_id, t.email, t.name, t.amount, t.currency, t.paid_at, t.livemode,
               t.policy, t.cart_state, t.cart_source, t.cart_raw, t.difference
          from told t
         order by t.payment_id
        on conflict (payment_id) do nothing
        returning id, payment_id, policy
    ), line as materialized (
        select a.id as order_id, a.policy, l.*
          from added a
          join told t on t.payment_id = a.payment_id
         cross join lateral rows from (jsonb_populate_recordset(null::stockroom_api.told_line, t.lines)) with ordinality
               l (code, codes, size, name, quantity, unit_price, position)
    ), named as materialized (
        select n.code, n.codes, n.size, stockroom_api.variant_of_line(n.code, n.codes, n.size) as variant_id
          from (select distinct l.code, coalesce(l.codes, '{}') as codes, l.size from line l) n
    ), lined as (
        insert into stockroom.order_lines (order_id, position, code, codes, size, name, unit_price, quantity, variant_id, state, cause)
        select l.order_id, l.position, l.code, n.codes, l.size, l.name, l.unit_price, l.quantity, n.variant_id,
               case l.policy when 'skip' then 'skipped' else 'failed' end,
               case when l.policy = 'skip' then null when n.variant_id is null then 'unknown_variant' else 'insufficient_stock' end
          from line l
          join named n on n.code = l.code and n.codes = coalesce(l.codes, '{}') and n.size is not distinct from l.size
         order by l.order_id, l.position
    )
    select coalesce(array_agg(a.id order by a.id), '{}') from added a;
$$;

-- What a later message knew of a known order and we did not.
create function stockroom_api.learn_orders(_orders jsonb) returns void
    language sql as $$
    update stockroom.orders o
       set charge_id = coalesce(o.charge_id, t.charge_id), session_id = coalesce(o.session_id, t.session_id),
           email = coalesce(o.email, t.email), name = coalesce(o.name, t.name), number = coalesce(o.number, t.number)
      from jsonb_populate_recordset(null::stockroom_api.told_order, _orders) t
     where o.payment_id = t.payment_id
       and (o.charge_id is null and t.charge_id is not null or o.session_id is null and t.session_id is not null
            or o.email is null and t.email is not null or o.name is null and t.name is not null
            or o.number is null and t.number is not null);
$$;

-- Which of these payments are orders that have their cart.
create function stockroom_api.whole_orders(_payment_ids text[]) returns setof text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.payment_id from stockroom.orders o where o.payment_id = any (_payment_ids) and o.cart_state = 'read';
$$;

-- Note on orders that their buyer objects at the bank: about money, it moves no stock.
create function stockroom_api.flag_disputes(_disputes jsonb) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.orders o set dispute = d.status
      from jsonb_to_recordset(_disputes) d (payment_id text, charge_id text, status text)
     where o.payment_id = coalesce(d.payment_id, d.charge_id) or o.charge_id = d.charge_id;
$$;

-- The lines of an order that the storefront keeps in a table of its own; where, an admin has said in Settings.
create function stockroom_api.look_up_order(_reference text) returns table (code text, quantity int, unit_price bigint)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
declare
    _lookup jsonb := (select order_lookup from stockroom.stripe_link);
begin
    if _lookup is not null then
        return query execute format('select %I::text, %I::int, null::bigint from %I.%I where %I::text = $1 order by 1',
            _lookup ->> 'code', _lookup ->> 'quantity', _lookup ->> 'schema', _lookup ->> 'table', _lookup ->> 'order')
            using _reference;
    end if;
end $$;

grant execute on function
    stockroom_api.flag_disputes(jsonb), stockroom_api.look_up_order(text), stockroom_api.whole_orders(text[]) to stockroom_app;
