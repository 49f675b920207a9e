-- The connection to Stripe as Settings shows and changes it, and the result of an import of orders.

-- The messages about payments.
create view stockroom_api.paid_messages as
select e.id, e.payment_id, e.body, e.state, e.kind, e.created_at, e.received_at
  from stockroom.stripe_events e
 where e.payment_id is not null
   and (e.kind in ('payment_intent.succeeded', 'checkout.session.completed', 'checkout.session.async_payment_succeeded')
        or e.kind in ('charge.succeeded', 'charge.captured') and e.payment_id not like 'pi\_%');

-- The messages of the latest orders and the latest waiting messages, to try a cart mapping on. Unsorted and limited.
create view stockroom_api.recent_paid_messages as
select m.body
  from (select o.payment_id from stockroom.orders o order by o.paid_at desc, o.id desc limit 20) o
  join stockroom_api.paid_messages m on m.payment_id = o.payment_id
union all
(select m.body from stockroom_api.paid_messages m where m.state = 'new' order by m.id desc limit 60);

-- The orders without a known cart and with an open case: nothing was taken off the shelf for them. Cases that a person has
-- resolved are left out, or a new mapping would take their goods a second time.
create view stockroom_api.cartless_orders as
select o.id
  from stockroom.alerts a
  join stockroom.orders o on o.id = a.order_id
 where a.state in ('open', 'acknowledged') and a.cause = 'cart:' || o.payment_id and o.cart_state <> 'read';

-- Check that the storefront's table and columns exist and may be read, before they are saved. Only names are accepted, and only
-- in the storefront's own schemas. Refuses: SK008, SK009, SK010.
create function stockroom_api.check_order_lookup(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _lookup jsonb
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _schema text := _lookup ->> 'schema';
    _table oid := (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = _schema and c.relname = _lookup ->> 'table' and c.relkind in ('r', 'v', 'm', 'f', 'p'));
    _column pg_attribute;
    _field text;
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    if _schema in ('stockroom', 'stockroom_api', 'information_schema') or _schema like 'pg\_%' then
        perform stockroom_api.refuse_value('schema', 'must be one of the storefront''s own');
    elsif _table is null then
        perform stockroom_api.refuse_value('table', format('"%s" does not exist in the schema "%s"', _lookup ->> 'table', _schema));
    elsif not has_schema_privilege(_schema, 'usage') then
        perform stockroom_api.refuse_value('schema', format('may not be used by %s; grant usage on it first', current_user));
    end if;
    foreach _field in array array['order', 'code', 'quantity'] loop
        select a.* into _column from pg_attribute a
         where a.attrelid = _table and a.attname = _lookup ->> _field and a.attnum > 0 and not a.attisdropped;
        if not found then
            perform stockroom_api.refuse_value(_field || ' column', format('"%s" does not exist in that table', _lookup ->> _field));
        elsif not has_column_privilege(_table, _column.attnum, 'select') then
            perform stockroom_api.refuse_value(_field || ' column',
                format('may not be read by %s; grant select on the table first', current_user));
        elsif _field = 'quantity' and (select t.typcategory from pg_type t where t.oid = _column.atttypid) <> 'N' then
            perform stockroom_api.refuse_value('quantity column', 'does not hold numbers');
        end if;
    end loop;
end $$;

-- Tie the shop to the other mode of Stripe (live or test) from now on. The cursor of the old mode is cleared, and earlier
-- payments move no stock. Recorded in the audit. Refuses: SK009, SK010.
create function stockroom_api.change_mode(_user_id bigint, _session_id bigint, _roles text[], _name text, _livemode boolean)
    returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before jsonb := (select to_jsonb(l) from (select livemode, live_since from stockroom.stripe_link) l);
begin
    update stockroom.stripe_link
       set livemode = _livemode, live_since = date_trunc('second', now()), cursor = null, polled_at = null
     where livemode is distinct from _livemode;
    perform stockroom_api.note_change(_user_id, _who, 'stripe_link', 'Stripe', _before,
        (select to_jsonb(l) from (select livemode, live_since from stockroom.stripe_link) l));
end $$;

-- The result of an import of orders that began at `_since`: its messages, those that wait or are parked, new orders, lines taken
-- off the shelf, and cases. It does not matter which process applied them.
create function stockroom_api.import_outcome(_since timestamptz)
    returns table (messages bigint, waiting bigint, parked bigint, orders bigint, lines bigint, cases bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with message as materialized (
        select e.id, e.payment_id, e.state from stockroom.stripe_events e
         where e.received_at >= _since and e.source = 'import'
    ), sale as materialized (
        select o.id from stockroom.orders o
         where o.imported_at >= _since and o.payment_id in (select m.payment_id from message m)
    )
    select (select count(*) from message), (select count(*) from message m where m.state = 'new'),
           (select count(*) from message m where m.state = 'parked'), (select count(*) from sale),
           (select count(*) from stockroom.order_lines l join sale s on s.id = l.order_id where l.taken > 0),
           (select count(*) from stockroom.alerts a
             where a.first_at >= _since
               and (a.order_id in (select s.id from sale s) or a.event_id in (select m.id from message m)));
$$;

grant select on stockroom_api.recent_paid_messages, stockroom_api.cartless_orders to stockroom_app;
grant execute on function
    stockroom_api.check_order_lookup(bigint, bigint, text[], text, jsonb),
    stockroom_api.change_mode(bigint, bigint, text[], text, boolean), stockroom_api.import_outcome(timestamptz)
    to stockroom_app;
