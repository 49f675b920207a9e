-- Recording paid orders: each payment once, with the variants of its cart's codes. 2_taking.sql takes them off the shelf.

-- A paid sale as read from Stripe. `named`: how many lines name a variant, where the catalogue was asked. `case_kind`: the kind of
-- its cart's case, if that is not the usual one.
create type stockroom_api.told_order as (
    payment_id text, number text, charge_id text, session_id text, email text, name text, amount bigint, currency text,
    paid_at timestamptz, livemode boolean, policy text, cart_state text, cart_source text, cart_raw text, difference bigint,
    extras bigint, why text, lines jsonb, reservation_id uuid, named int, case_kind text, readings jsonb, tolerated bigint,
    tolerance int, released bigint, discount bigint
);

-- A line of it. `variant_id` is its variant, if none of its codes names it.
create type stockroom_api.told_line as (
    code text, codes text[], size text, name text, quantity int, unit_price bigint, variant_id uuid
);

-- Each payment once: from the message whose cart names most, completed by the other messages about it. Of two addresses or names the
-- Checkout Session's counts, which the buyer typed.
create function stockroom_api.told_orders(_orders jsonb) returns stockroom_api.told_order[]
    language sql stable as $$
    select coalesce(array_agg(m.told order by m.payment_id), '{}')
      from (select distinct on (t.payment_id) t.payment_id,
                   row (t.payment_id, coalesce(t.number, max(t.number) over same), coalesce(t.charge_id, max(t.charge_id) over same),
                        coalesce(t.session_id, max(t.session_id) over same),
                        coalesce(max(t.email) filter (where t.session_id is not null) over same, t.email, max(t.email) over same),
                        coalesce(max(t.name) filter (where t.session_id is not null) over same, t.name, max(t.name) over same), t.amount, t.currency, t.paid_at, t.livemode, t.policy,
                        t.cart_state, t.cart_source, t.cart_raw, t.difference, t.extras, t.why, t.lines,
                        t.reservation_id, t.named, t.case_kind, t.readings, t.tolerated, t.tolerance,
                        coalesce(t.released, max(t.released) over same),
                        coalesce(t.discount, max(t.discount) over same))::stockroom_api.told_order as told
              from jsonb_populate_recordset(null::stockroom_api.told_order, _orders) t
            window same as (partition by t.payment_id)
             order by t.payment_id, t.cart_state = 'read' desc, t.named desc nulls last,
                      array_position(array['unreadable', 'elsewhere', 'absent'], t.cart_state), t.paid_at) m;
$$;

-- Record the new orders with their lines; returns their ids. Sorted, so that two workers cannot deadlock.
create function stockroom_api.record_orders(_told stockroom_api.told_order[]) returns bigint[]
    language plpgsql as $$
declare
    _new bigint[];
begin
    with added as (
        insert into stockroom.orders (payment_id, number, charge_id, session_id, email, name, amount, currency, paid_at,
               livemode, policy, cart_state, cart_source, cart_raw, difference, extras, reservation_id, readings, tolerated, tolerance,
               released, discount)
        select t.payment_id, t.number, t.charge_id, t.session_id, t.email, t.name, t.amount, t.currency, t.paid_at, t.livemode,
               t.policy, t.cart_state, t.cart_source, t.cart_raw, t.difference, t.extras, t.reservation_id, t.readings, t.tolerated,
               t.tolerance, coalesce(t.released, 0), t.discount
          from unnest(_told) t
         order by t.payment_id
        on conflict (payment_id) do nothing
        returning id
    )
    select coalesce(array_agg(a.id order by a.id), '{}') into _new from added a;
    perform stockroom_api.record_lines(_new, _told);
    return _new;
end $$;

-- Record the lines of these orders, and the parts of bundles. A line is open ('failed') until it is taken; a policy can skip it.
create function stockroom_api.record_lines(_order_ids bigint[], _told stockroom_api.told_order[]) returns void
    language sql as $$
    with line as materialized (
        select o.id as order_id, o.policy, l.position, l.code, coalesce(l.codes, '{}') as codes, l.size, l.name, l.quantity,
               l.unit_price, l.variant_id
          from unnest(_told) t
          join stockroom.orders o on o.payment_id = t.payment_id and o.id = any (_order_ids)
         cross join lateral rows from (jsonb_populate_recordset(null::stockroom_api.told_line, t.lines)) with ordinality
               l (code, codes, size, name, quantity, unit_price, variant_id, position)
    ), named as materialized (
        select n.*, v.variant_id, m.meaning_id, m.settled
          from (select distinct l.code, l.codes, l.size from line l) n
         cross join lateral stockroom_api.variant_of_line(n.code, n.codes, n.size) v
         cross join lateral stockroom_api.meaning_of_line(n.code, n.codes, v.variant_id) m
    ), recorded as (
        insert into stockroom.order_lines (order_id, position, code, codes, size, name, unit_price, quantity, variant_id, meaning_id,
               state, cause)
        select l.order_id, l.position, l.code, l.codes, l.size, l.name, l.unit_price, l.quantity, coalesce(l.variant_id, n.variant_id),
               n.meaning_id, case l.policy when 'skip' then 'skipped' else coalesce(n.settled, 'failed') end,
               case when l.policy = 'skip' or n.settled is not null then null
                    when coalesce(l.variant_id, n.variant_id) is null then 'unknown_variant' else 'insufficient_stock' end
          from line l
          join named n on n.code = l.code and n.codes = l.codes and n.size is not distinct from l.size
         order by l.order_id, l.position
        returning id, order_id, position, quantity, meaning_id, state
    )
    insert into stockroom.order_lines (order_id, position, code, quantity, variant_id, state, cause, meaning_id, part_of)
    select r.order_id, (select max(x.position) from line x where x.order_id = r.order_id)
                       + row_number() over (partition by r.order_id order by r.position, v.sku),
           v.sku, r.quantity * p.quantity, v.id, 'failed', 'insufficient_stock', r.meaning_id, r.id
      from recorded r
      join stockroom.code_parts p on p.meaning_id = r.meaning_id
      join public.product_variants v on v.id = p.variant_id
     where r.state = 'bundle'
     order by r.order_id, r.position, v.sku;
$$;

-- Claim the operation that takes each order the first time, under its own key. Returned in the order of the ids. An order whose
-- first cart named nothing has it already, without a movement.
create function stockroom_api.claim_orders(_order_ids bigint[]) returns bigint[]
    language plpgsql as $$
declare
    _claimed bigint[];
begin
    with claimed as (
        insert into stockroom.operations (key, kind, fingerprint, performed_by)
        select 'stripe:' || o.payment_id, 'order', sha256(convert_to('order ' || o.payment_id, 'UTF8')), 'Stripe'
          from stockroom.orders o where o.id = any (_order_ids)
         order by o.payment_id
        on conflict (key) do nothing
        returning id, key
    )
    select array_agg(c.id order by i.n) into _claimed
      from unnest(_order_ids) with ordinality i (id, n)
      join stockroom.orders o on o.id = i.id
      join claimed c on c.key = 'stripe:' || o.payment_id;
    if cardinality(_claimed) is distinct from cardinality(_order_ids) then
        select array_agg(p.id order by i.n) into _claimed
          from unnest(_order_ids) with ordinality i (id, n)
          join stockroom.orders o on o.id = i.id
          join stockroom.operations p on p.key = 'stripe:' || o.payment_id;
    end if;
    return _claimed;
end $$;

-- Whether an order that was read still has nothing: no line names a variant, and nothing was taken, decided or settled. Its cart may
-- come from another source.
create function stockroom_api.has_nothing(_order_id bigint) returns boolean
    language sql stable as $$
    select not exists (select from stockroom.order_lines l
                        where l.order_id = _order_id
                          and (l.variant_id is not null or l.taken > 0 or l.state not in ('failed', 'skipped')
                               or exists (select from stockroom.refund_decisions d where d.line_id = l.id)))
       and exists (select from stockroom.order_lines l where l.order_id = _order_id);
$$;

-- Complete known orders from a later message: missing facts of the buyer, and the cart if there was none or if none of its codes
-- was known. Locks the orders it changes in ascending id, so that two workers cannot deadlock. Returns the orders that got their
-- lines now, and those that are still unread and have other readings now.
create function stockroom_api.learn_orders(_told stockroom_api.told_order[], _new bigint[]) returns bigint[]
    language plpgsql as $$
declare
    _ids bigint[] := array(
        select o.id from stockroom.orders o join unnest(_told) t on t.payment_id = o.payment_id
         where o.id <> all (_new)
           and (o.cart_state <> 'read' and (t.cart_state = 'read' or t.readings is not null or t.cart_state = 'unreadable')
                or o.cart_state = 'read' and t.named > 0 and stockroom_api.has_nothing(o.id)
                or o.charge_id is null and t.charge_id is not null
                or o.session_id is null and t.session_id is not null or o.email is null and t.email is not null
                or o.name is null and t.name is not null or o.number is null and t.number is not null)
         order by o.id
           for no key update of o);
    _filled bigint[];
    _reread bigint[];
begin
    if cardinality(_ids) = 0 then
        return _ids;
    end if;
    _filled := array(
        select o.id from stockroom.orders o join unnest(_told) t on t.payment_id = o.payment_id
         where o.id = any (_ids) and t.cart_state = 'read'
           and (o.cart_state <> 'read' or t.named > 0 and stockroom_api.has_nothing(o.id)) order by o.id);
    _reread := array(
        select o.id from stockroom.orders o join unnest(_told) t on t.payment_id = o.payment_id
         where o.id = any (_ids) and o.cart_state <> 'read' and t.cart_state = 'unreadable'
           and (o.cart_state <> 'unreadable' or t.readings is not null and t.readings is distinct from o.readings)
           and exists (select from stockroom.alerts a where a.cause = 'cart:' || o.payment_id and a.state <> 'resolved')
         order by o.id);
    delete from stockroom.order_lines l where l.order_id = any (_filled) and l.state <> 'replaced';
    update stockroom.orders o
       set charge_id = coalesce(o.charge_id, t.charge_id), session_id = coalesce(o.session_id, t.session_id),
           email = case when o.session_id is null and t.session_id is not null then coalesce(t.email, o.email) else coalesce(o.email, t.email) end,
           name = case when o.session_id is null and t.session_id is not null then coalesce(t.name, o.name) else coalesce(o.name, t.name) end,
           number = coalesce(o.number, t.number),
           cart_state = case when o.id = any (_filled || _reread) then t.cart_state else o.cart_state end,
           cart_source = case when o.id = any (_filled) then t.cart_source else o.cart_source end,
           cart_raw = case when o.id = any (_reread) then t.cart_raw else o.cart_raw end,
           difference = case when o.id = any (_filled) then t.difference else o.difference end,
           extras = case when o.id = any (_filled) then t.extras else o.extras end,
           discount = case when o.id = any (_filled) then t.discount else o.discount end,
           tolerated = case when o.id = any (_filled) then t.tolerated else o.tolerated end,
           tolerance = case when o.id = any (_filled) then t.tolerance else o.tolerance end,
           readings = case when o.id = any (_filled || _reread) then t.readings else o.readings end
      from unnest(_told) t
     where o.payment_id = t.payment_id and o.id = any (_ids);
    perform stockroom_api.record_lines(_filled, _told);
    return _filled || _reread;
end $$;

-- Which of these payments already have an order with its cart. One whose cart names nothing may still get it from another message.
create function stockroom_api.whole_orders(_payment_ids text[]) returns setof text
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query
    select o.payment_id from stockroom.orders o
     where o.payment_id = any (_payment_ids) and o.cart_state = 'read' and not stockroom_api.has_nothing(o.id);
end $$;

-- Claimed events with what a worker needs to read them: whether the payment of each has an order with its cart, and the connection.
create type stockroom_api.claimed_work as (
    id bigint, event_id text, kind text, created_at timestamptz, livemode boolean, account text, body text, policy text,
    attempts int, payment_id text, is_whole boolean, link jsonb
);

-- Add it to claimed events.
create function stockroom_api.work_of(_claimed stockroom_api.claimed_event[]) returns setof stockroom_api.claimed_work
    language plpgsql as $$
declare
    _whole text[] := array(select w from stockroom_api.whole_orders(array(select c.payment_id from unnest(_claimed) c)) w);
begin
    return query
    select c.*, coalesce(c.payment_id = any (_whole), false), to_jsonb(l) from unnest(_claimed) c cross join stockroom_api.stripe_link l;
end $$;

-- Claim up to `_limit` due events for a worker, first created first. Nothing is locked when its transaction ends.
create function stockroom_api.claim_work(_limit int, _seconds int) returns setof stockroom_api.claimed_work
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _ids bigint[] := array(
        select e.id from stockroom.stripe_events e
         where e.state = 'new' and e.due_at <= clock_timestamp()
         order by e.due_at, e.created_at, e.id
         limit _limit
           for update skip locked);
begin
    if cardinality(_ids) > 0 then
        return query select * from stockroom_api.work_of(array(select c from stockroom_api.claim_locked(_ids, _seconds) c));
    end if;
end $$;

-- Claim the waiting events about one payment.
create function stockroom_api.claim_work_of(_payment_id text, _seconds int) returns setof stockroom_api.claimed_work
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    return query select * from stockroom_api.work_of(array(select c from stockroom_api.claim_payment(_payment_id, _seconds) c));
end $$;

-- The lines of an order in the storefront's own table, as an admin has configured it in Settings.
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
    stockroom_api.look_up_order(text), stockroom_api.whole_orders(text[]), stockroom_api.claim_work(int, int),
    stockroom_api.claim_work_of(text, int) to stockroom_app;
