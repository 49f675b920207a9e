-- Webhooks to programs. A worker reads what changed, writes one event for each variant and queues it for each endpoint, in one
-- transaction; then it sends what is due. Posting writes nothing more.

-- Create an endpoint with its secret. Returns its id. Refuses: SK009, SK010.
create function stockroom_api.make_hook(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _called text, _url text, _events text[], _secret text
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _id bigint;
begin
    insert into stockroom.hook_endpoints (name, url, events, made_by) values (_called, _url, _events, _who) returning id into _id;
    insert into stockroom.hook_secrets (endpoint_id, secret) values (_id, _secret);
    perform stockroom_api.note_change(_user_id, _who, 'hook_made', _called, null, jsonb_build_object('events', to_jsonb(_events)));
    return _id;
end $$;

-- The name of an endpoint, locked. Refuses: SK008 if there is none.
create function stockroom_api.lock_hook(_id bigint) returns text
    language plpgsql as $$
declare
    _called text;
begin
    select h.name into _called from stockroom.hook_endpoints h where h.id = _id and h.removed_at is null for update;
    if _called is null then
        perform stockroom_api.refuse_value('webhook', 'does not exist');
    end if;
    return _called;
end $$;

-- Give an endpoint a new secret. The one before signs for 24 hours more, beside it. Refuses: SK008, SK009, SK010.
create function stockroom_api.rotate_hook(_user_id bigint, _session_id bigint, _roles text[], _name text, _id bigint, _secret text)
    returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _called text := stockroom_api.lock_hook(_id);
begin
    delete from stockroom.hook_secrets s where s.endpoint_id = _id and s.ends_at is not null;
    update stockroom.hook_secrets s set ends_at = now() + interval '24 hours' where s.endpoint_id = _id;
    insert into stockroom.hook_secrets (endpoint_id, secret) values (_id, _secret);
    perform stockroom_api.note_change(_user_id, _who, 'hook_changed', _called, null, '{"secret": "new"}');
end $$;

-- Switch an endpoint on or off, or remove it. What waits stays. Refuses: SK008, SK009, SK010.
create function stockroom_api.switch_hook(_user_id bigint, _session_id bigint, _roles text[], _name text, _id bigint, _state text)
    returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _called text := stockroom_api.lock_hook(_id);
begin
    update stockroom.hook_endpoints h
       set off_at = case when _state <> 'on' then now() end, off_why = null, failing_since = null,
           removed_at = case when _state = 'removed' then now() end
     where h.id = _id;
    perform stockroom_api.resolve_cause('hook:' || _id, _who, format('The webhook was switched %s.', _state));
    perform stockroom_api.note_change(_user_id, _who, 'hook_changed', _called, null, jsonb_build_object('state', _state));
end $$;

-- Send a delivery again, or all failed ones of an endpoint if none is named. Returns how many. Refuses: SK008, SK009, SK010.
create function stockroom_api.replay_hook(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _id bigint, _delivery_id bigint
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _called text := stockroom_api.lock_hook(_id);
    _count bigint;
begin
    update stockroom.hook_deliveries d set state = 'waiting', attempts = 0, due_at = now(), finished_at = null
     where d.endpoint_id = _id and d.state <> 'waiting'
       and (d.id = _delivery_id or _delivery_id is null and d.state = 'failed');
    get diagnostics _count = row_count;
    return _count;
end $$;

-- Queue an event for each endpoint that is on and receives its kind. A level that waits and was never tried gives way to the new one.
create function stockroom_api.queue_hook(_kind text, _alert_id bigint, _body jsonb) returns void
    language plpgsql as $$
declare
    _event bigint;
begin
    if _kind = 'level.changed' then
        delete from stockroom.hook_deliveries d using stockroom.hook_events e
         where d.event_id = e.id and d.state = 'waiting' and d.attempts = 0 and e.kind = _kind
           and e.body ->> 'variantId' = _body ->> 'variantId';
    end if;
    insert into stockroom.hook_events (kind, alert_id, body) values (_kind, _alert_id, _body)
    on conflict (alert_id) where alert_id is not null do nothing
    returning id into _event;
    insert into stockroom.hook_deliveries (event_id, endpoint_id)
    select _event, h.id from stockroom.hook_endpoints h
     where _event is not null and h.off_at is null and h.removed_at is null and _kind = any (h.events);
end $$;

-- Write the events since the last time, and return how many levels changed. The first time, and after a restore, it only notes what
-- there is. One worker at a time: the row of the cursor is locked.
create function stockroom_api.gather_hooks() returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _cursor stockroom.hook_cursor;
    _place record;
    _row record;
    _count bigint := 0;
begin
    select c.* into _cursor from stockroom.hook_cursor c for update;
    if not exists (select from stockroom.hook_endpoints h where h.off_at is null and h.removed_at is null) then
        update stockroom.hook_cursor set mark = null, floor = null where mark is not null;  -- the next endpoint begins from there
        return 0;
    end if;
    select p.* into _place from stockroom_api.levels_place() p;
    for _row in
        select c.*, l.available as was, l.variant_id is null as is_new
          from stockroom_api.changed_levels(stockroom_api.levels_back(_cursor.mark, _cursor.floor)) c
          left join stockroom.hook_levels l on l.variant_id = c.variant_id
         where (l.available, l.on_hand, l.reserved) is distinct from (c.available, c.on_hand, c.reserved)
    loop
        insert into stockroom.hook_levels (variant_id, available, on_hand, reserved)
        values (_row.variant_id, _row.available, _row.on_hand, _row.reserved)
        on conflict (variant_id) do update
           set available = excluded.available, on_hand = excluded.on_hand, reserved = excluded.reserved;
        continue when _cursor.mark is null or _row.was is not distinct from _row.available;
        _count := _count + 1;
        perform stockroom_api.queue_hook(k.kind, null, jsonb_build_object('variantId', _row.variant_id, 'sku', _row.sku,
                    'available', _row.available, 'previous', _row.was))
           from (values ('level.changed', true), ('stock.out', _row.available = 0 and _row.was > 0),
                        ('stock.back', _row.available > 0 and _row.was = 0)) k (kind, applies)
          where k.applies;
    end loop;
    if _cursor.mark is not null then
        perform stockroom_api.queue_hook('order.failed', a.id, jsonb_build_object('caseId', a.id, 'kind', a.kind,
                    'order', o.number, 'paymentId', o.payment_id))
           from stockroom.alerts a
           join stockroom.orders o on o.id = a.order_id
          where a.state <> 'resolved' and a.list = 'failed'
            and not exists (select from stockroom.hook_events e where e.alert_id = a.id);
    else
        insert into stockroom.hook_events (kind, alert_id, body)
        select 'order.failed', a.id, '{}' from stockroom.alerts a where a.state <> 'resolved' and a.list = 'failed'
        on conflict do nothing;
    end if;
    update stockroom.hook_cursor set mark = _place.mark, floor = _place.floor;
    return _count;
end $$;

-- The endpoints with a delivery that is due, the one that waits longest first.
create function stockroom_api.due_hooks() returns table (endpoint_id bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select d.endpoint_id
      from stockroom.hook_deliveries d
      join stockroom.hook_endpoints h on h.id = d.endpoint_id
     where d.state = 'waiting' and d.due_at <= clock_timestamp() and h.off_at is null and h.removed_at is null
     group by d.endpoint_id
     order by min(d.due_at), d.endpoint_id;
$$;

-- Take the next delivery of an endpoint that is due, with all that its message needs. It is free again after two minutes if its worker
-- dies; the message id stays the same.
create function stockroom_api.claim_hook(_endpoint_id bigint)
    returns table (delivery_id bigint, endpoint_id bigint, url text, secrets text[], message_id text, kind text, body jsonb,
                   created_at timestamptz)
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with claimed as (
        update stockroom.hook_deliveries d set attempts = d.attempts + 1, due_at = clock_timestamp() + interval '2 minutes'
         where d.id = (
            select w.id from stockroom.hook_deliveries w join stockroom.hook_endpoints h on h.id = w.endpoint_id
             where w.state = 'waiting' and w.due_at <= clock_timestamp() and h.off_at is null and h.removed_at is null
               and w.endpoint_id = _endpoint_id
             order by w.due_at, w.id limit 1 for update of w skip locked)
        returning d.*
    )
    select c.id, h.id, h.url, array(select s.secret from stockroom.hook_secrets s
                                     where s.endpoint_id = h.id and coalesce(s.ends_at > now(), true) order by s.ends_at desc),
           e.message_id, e.kind, e.body, e.created_at
      from claimed c
      join stockroom.hook_endpoints h on h.id = c.endpoint_id
      join stockroom.hook_events e on e.id = c.event_id;
$$;

-- Mark a delivery: sent, or due again after Standard Webhooks' waits, and failed after the last. An endpoint that has failed for five
-- days is switched off, with a case.
create function stockroom_api.mark_hook(_delivery_id bigint, _is_sent boolean, _status int, _answer text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _waits interval[] := array['5 seconds', '5 minutes', '30 minutes', '2 hours', '5 hours', '10 hours', '14 hours', '20 hours',
                               '24 hours'];
    _done record;
begin
    update stockroom.hook_deliveries d
       set status = _status, answer = left(_answer, 300),
           state = case when _is_sent then 'sent' when d.attempts > cardinality(_waits) then 'failed' else 'waiting' end,
           due_at = clock_timestamp() + coalesce(_waits[d.attempts], '0') * (1 + random() / 10),
           finished_at = case when _is_sent or d.attempts > cardinality(_waits) then clock_timestamp() end
     where d.id = _delivery_id
    returning d.endpoint_id into _done;
    update stockroom.hook_endpoints h
       set failing_since = case when not _is_sent then coalesce(h.failing_since, clock_timestamp()) end
     where h.id = _done.endpoint_id and (h.failing_since is null) <> _is_sent;
    update stockroom.hook_endpoints h set off_at = now(), off_why = 'It has not accepted a message for five days.'
     where h.id = _done.endpoint_id and h.off_at is null and h.failing_since < now() - interval '5 days';
    if found then
        perform stockroom_api.open_alerts(array[row ('webhook_off', 'warning', 'hook:' || _done.endpoint_id,
            format('A webhook was switched off because it has not accepted a message for five days: %s.',
                (select h.name from stockroom.hook_endpoints h where h.id = _done.endpoint_id)),
            '{}', null, null, null, null, 0, 0, null)::stockroom_api.new_alert]);
    end if;
end $$;

-- Delete what was sent or failed more than `_days` ago. An event of a case that is open stays, so that it is not sent twice.
create function stockroom_api.forget_hooks(_days int) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from stockroom.hook_events e
     where e.created_at < now() - make_interval(days => _days)
       and not exists (select from stockroom.hook_deliveries d where d.event_id = e.id and d.state = 'waiting')
       and not exists (select from stockroom.alerts a where a.id = e.alert_id and a.state <> 'resolved');
$$;

-- The endpoints as Settings shows them, without their secrets.
create view stockroom_api.hooks as
select h.id as hook_id, h.name, h.url, h.events, h.made_by, h.created_at, h.failing_since, h.off_at, h.off_why,
       count(d.id) filter (where d.state = 'waiting') as waiting, count(d.id) filter (where d.state = 'failed') as failed,
       max(d.finished_at) filter (where d.state = 'sent') as sent_at
  from stockroom.hook_endpoints h
  left join stockroom.hook_deliveries d on d.endpoint_id = h.id
 where h.removed_at is null
 group by h.id;

-- The deliveries as Settings shows them.
create view stockroom_api.hook_deliveries as
select d.id as delivery_id, d.endpoint_id as hook_id, e.message_id, e.kind, e.body ->> 'sku' as sku, d.state, d.attempts, d.status,
       d.answer, e.created_at, case when d.state = 'waiting' then d.due_at end as next_at, d.finished_at
  from stockroom.hook_deliveries d
  join stockroom.hook_events e on e.id = d.event_id;

grant select on stockroom_api.hooks, stockroom_api.hook_deliveries to stockroom_app;
grant execute on function
    stockroom_api.make_hook(bigint, bigint, text[], text, text, text, text[], text),
    stockroom_api.rotate_hook(bigint, bigint, text[], text, bigint, text),
    stockroom_api.switch_hook(bigint, bigint, text[], text, bigint, text),
    stockroom_api.replay_hook(bigint, bigint, text[], text, bigint, bigint),
    stockroom_api.gather_hooks(), stockroom_api.due_hooks(), stockroom_api.claim_hook(bigint), stockroom_api.mark_hook(bigint, boolean, int, text),
    stockroom_api.forget_hooks(int)
    to stockroom_app;
