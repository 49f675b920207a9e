-- The inbox of Stripe's events: stored unchanged, claimed by a worker, and marked in the transaction that applies them.

-- One event to store.
create type stockroom_api.incoming as (
    event_id text, kind text, object_id text, payment_id text, created_at timestamptz, source text, livemode boolean,
    account text, api_version text, body text, policy text
);

-- Store events unchanged and return how many are new. A known event is not touched.
create function stockroom_api.receive_events(_events jsonb) returns bigint
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with stored as (
        insert into stockroom.stripe_events (event_id, kind, object_id, payment_id, created_at, source, livemode, account,
               api_version, body, policy)
        select n.event_id, n.kind, n.object_id, n.payment_id, n.created_at, n.source, n.livemode, n.account, n.api_version,
               n.body, n.policy
          from jsonb_populate_recordset(null::stockroom_api.incoming, _events) n
         order by n.event_id
        on conflict (event_id) do nothing
        returning 1
    )
    select count(*) from stored;
$$;

-- A claimed event, as a worker reads it.
create type stockroom_api.claimed_event as (
    id bigint, event_id text, kind text, created_at timestamptz, livemode boolean, account text, body text, policy text,
    attempts int, payment_id text
);

-- Claim these events, which are locked, for `_seconds`. A worker that has not finished by then has crashed, and another claims
-- them. It is plpgsql, which keeps its plans.
create function stockroom_api.claim_locked(_ids bigint[], _seconds int) returns setof stockroom_api.claimed_event
    language plpgsql as $$
begin
    return query
    with claimed as (
        update stockroom.stripe_events e
           set due_at = clock_timestamp() + make_interval(secs => _seconds), attempts = e.attempts + 1
         where e.id = any (_ids)
        returning e.*
    )
    select c.id, c.event_id, c.kind, c.created_at, c.livemode, c.account, c.body, c.policy, c.attempts, c.payment_id
      from claimed c order by c.created_at, c.id;
end $$;

-- Claim the waiting events about one payment, even from another worker: applying them twice is one order.
create function stockroom_api.claim_payment(_payment_id text, _seconds int) returns setof stockroom_api.claimed_event
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _ids bigint[] := array(
        select e.id from stockroom.stripe_events e
         where e.payment_id = _payment_id and e.state = 'new'
         order by e.id
           for update);
begin
    return query select * from stockroom_api.claim_locked(_ids, _seconds);
end $$;

-- Mark events as done or ignored, in the transaction that applied them. `_why` is the reason for ignoring.
create function stockroom_api.finish_events(_ids bigint[], _state text, _why text default null) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.stripe_events set state = _state, why = _why, finished_at = now()
     where id = any (_ids) and state in ('new', 'parked');
$$;

-- Give claimed events back unchanged.
create function stockroom_api.give_back_events(_ids bigint[]) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.stripe_events set due_at = clock_timestamp(), attempts = greatest(attempts - 1, 0)
     where id = any (_ids) and state = 'new';
$$;

-- Schedule a retry of a failed event. Retries back off; after `_most` tries, or if `_is_lasting`, the event is parked and opens a
-- case. It never blocks the next event.
create function stockroom_api.put_off_event(_id bigint, _why text, _most int, _is_lasting boolean) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _event stockroom.stripe_events;
begin
    update stockroom.stripe_events e
       set state = case when _is_lasting or e.attempts >= _most then 'parked' else 'new' end, why = left(_why, 1000),
           due_at = clock_timestamp() + make_interval(secs => least(3600, 5 * power(2, least(e.attempts, 12))))
     where e.id = _id and e.state = 'new'
    returning * into _event;
    if _event.state = 'parked' then
        perform stockroom_api.open_alerts(array[row ('import_error', 'urgent', 'event:' || _event.event_id,
            format('A Stripe message could not be processed: %s', left(_why, 500)),
            jsonb_build_object('event_id', _event.event_id, 'kind', _event.kind, 'why', _why), null, null, null, _event.id,
            0, 0, null)::stockroom_api.new_alert]);
    end if;
    return _event.state;
end $$;

-- Retry parked events now, and return how many. Refuses: SK009, SK010.
create function stockroom_api.retry_events(_user_id bigint, _session_id bigint, _roles text[], _name text, _ids bigint[])
    returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _retried bigint;
begin
    perform stockroom_api.note_try('event:' || e.event_id, _who) from stockroom.stripe_events e where e.id = any (_ids);
    update stockroom.stripe_events set state = 'new', due_at = clock_timestamp(), attempts = 0
     where id = any (_ids) and state = 'parked';
    get diagnostics _retried = row_count;
    return _retried;
end $$;

-- Move the cursor of the poll, in the transaction that stores the events it has read.
create function stockroom_api.move_cursor(_cursor text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.stripe_link set cursor = coalesce(_cursor, cursor), polled_at = now();
$$;

-- Change the connection to Stripe. Only the given values change; recorded in the audit. Refuses: SK009, SK010.
create function stockroom_api.save_stripe_link(_user_id bigint, _session_id bigint, _roles text[], _name text, _changes jsonb)
    returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before jsonb := (select to_jsonb(l) from (
        select live_since, cart_mapping, order_lookup, unread_confirmation, paid_less, paid_more, paid_more_amount
          from stockroom.stripe_link) l);
begin
    update stockroom.stripe_link l
       set live_since = case when _changes ? 'live_since' then (_changes ->> 'live_since')::timestamptz else l.live_since end,
           cart_mapping = case when _changes ? 'cart_mapping' then nullif(_changes -> 'cart_mapping', 'null') else l.cart_mapping end,
           order_lookup = case when _changes ? 'order_lookup' then nullif(_changes -> 'order_lookup', 'null') else l.order_lookup end,
           unread_confirmation = coalesce(_changes ->> 'unread_confirmation', l.unread_confirmation),
           paid_less = coalesce((_changes ->> 'paid_less')::int, l.paid_less),
           paid_more = coalesce((_changes ->> 'paid_more')::int, l.paid_more),
           paid_more_amount = coalesce((_changes ->> 'paid_more_amount')::int, l.paid_more_amount);
    perform stockroom_api.note_change(_user_id, _who, 'stripe_link', 'Stripe', _before,
        (select to_jsonb(l) from (
            select live_since, cart_mapping, order_lookup, unread_confirmation, paid_less, paid_more, paid_more_amount
              from stockroom.stripe_link) l));
end $$;

-- Remember the key of a Stripe product's metadata in which this shop writes its codes.
create function stockroom_api.remember_item_code(_name text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.stripe_link set item_code = _name where item_code is distinct from _name;
$$;

-- Tie the shop to the mode (live or test) of the first key it is used with, from this moment on, in whole seconds as in Stripe.
-- Returns the mode.
create function stockroom_api.go_live(_livemode boolean) returns boolean
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.stripe_link
       set livemode = coalesce(livemode, _livemode), live_since = coalesce(live_since, date_trunc('second', now()))
     where livemode is null or live_since is null;
    select livemode from stockroom.stripe_link;
$$;

-- The connection, as pages read it.
create view stockroom_api.stripe_link as
select l.live_since, l.livemode, l.cursor, l.polled_at, l.cart_mapping, l.order_lookup, l.unread_confirmation, l.paid_less,
       l.paid_more, l.paid_more_amount, l.item_code
  from stockroom.stripe_link l;

-- How carts are read, by the connection.
create function stockroom_api.link_facts() returns jsonb
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select to_jsonb(l) - '{cursor,polled_at}'::text[] from stockroom_api.stripe_link l;
$$;

-- The messages, as pages read them. A body can contain names and addresses of buyers.
create view stockroom_api.stripe_events as
select e.* from stockroom.stripe_events e;

-- How many messages wait, how many are parked, and when the oldest waiting one was received.
create view stockroom_api.inbox_state as
select count(*) filter (where e.state = 'new') as waiting, count(*) filter (where e.state = 'parked') as parked,
       min(e.received_at) filter (where e.state = 'new') as oldest
  from stockroom.stripe_events e
 where e.state in ('new', 'parked');

-- The messages that failed and wait for a person, without their bodies.
create view stockroom_api.parked_events as
select e.id, e.event_id, e.kind, e.created_at, e.attempts, e.why from stockroom.stripe_events e where e.state = 'parked';

grant select on stockroom_api.stripe_link, stockroom_api.stripe_events, stockroom_api.inbox_state, stockroom_api.parked_events
    to stockroom_app;
grant execute on function
    stockroom_api.receive_events(jsonb), stockroom_api.link_facts(),
    stockroom_api.finish_events(bigint[], text, text),
    stockroom_api.put_off_event(bigint, text, int, boolean), stockroom_api.give_back_events(bigint[]),
    stockroom_api.retry_events(bigint, bigint, text[], text, bigint[]), stockroom_api.move_cursor(text),
    stockroom_api.save_stripe_link(bigint, bigint, text[], text, jsonb), stockroom_api.go_live(boolean),
    stockroom_api.remember_item_code(text)
    to stockroom_app;
