-- Messages to people: put into the outbox in the transaction of their cause, claimed by a worker, sent, and marked.

-- Put a message into the outbox. The destination `orders` is the shop's mail account, all others are destinations of alerts.
-- Returns its id, or null if its key exists already, so that it is sent once.
create function stockroom_api.enqueue_delivery(
    _key text, _kind text, _destination text, _recipient text, _title text, _body text, _order_id bigint default null
) returns bigint
    language sql as $$
    insert into stockroom.deliveries (key, kind, destination, recipient, title, body, order_id)
    values (_key, _kind, _destination, _recipient, left(_title, 200), left(_body, 20000), _order_id)
    on conflict (key) do nothing
    returning id;
$$;

-- The rank of a severity; the most severe is the highest. 'waited' has none: such a destination receives no case when it opens.
create function stockroom_api.severity_rank(_severity text) returns int
    language sql immutable
    return array_position(array['note', 'warning', 'urgent'], _severity);

-- The moment `_at`, or the end of the quiet hours it lies in. They are in the shop's zone and can pass midnight.
create function stockroom_api.after_quiet(_to stockroom.destinations, _at timestamptz, _zone text) returns timestamptz
    language plpgsql immutable as $$
declare
    _clock timestamp := _at at time zone _zone;
begin
    if _to.quiet_from < _to.quiet_until and _clock::time >= _to.quiet_from and _clock::time < _to.quiet_until
       or _to.quiet_from > _to.quiet_until and _clock::time < _to.quiet_until then
        return greatest(_at, (_clock::date + _to.quiet_until) at time zone _zone);
    elsif _to.quiet_from > _to.quiet_until and _clock::time >= _to.quiet_from then
        return greatest(_at, (_clock::date + 1 + _to.quiet_until) at time zone _zone);
    end if;
    return _at;
end $$;

-- When a case may be sent to a destination: at once or with the next digest, and never within its quiet hours. Urgent cases wait
-- for neither if the destination is set so.
create function stockroom_api.due_for(_to stockroom.destinations, _severity text, _at timestamptz, _zone text) returns timestamptz
    language plpgsql immutable as $$
declare
    _due timestamptz := _at;
    _clock timestamp;
    _ends timestamp;
begin
    if _severity = 'urgent' and _to.urgent_passes then
        return _at;
    end if;
    if _to.digest = 'hour' then
        _due := date_trunc('hour', _at, _zone) + interval '1 hour';
    elsif _to.digest = 'day' then
        _clock := _at at time zone _zone;
        _ends := _clock::date + _to.digest_at + case when _clock::time >= _to.digest_at then interval '1 day' else '0' end;
        _due := greatest(_at, _ends at time zone _zone);
    end if;
    return stockroom_api.after_quiet(_to, _due, _zone);
end $$;

-- When a message that is due at `_at` may be sent: not within the quiet hours of its destination, unless it has an urgent case
-- and urgent cases pass.
create function stockroom_api.may_go(_id bigint, _destination text, _at timestamptz) returns timestamptz
    language sql stable as $$
    select coalesce((
        select stockroom_api.after_quiet(d, _at, s.zone)
          from stockroom.destinations d
         cross join stockroom.shop s
         where d.name = _destination and d.quiet_from is not null
           and not (d.urgent_passes and exists (
                select from stockroom.delivery_alerts t join stockroom.alerts a on a.id = t.alert_id
                 where t.delivery_id = _id and a.severity = 'urgent'))), _at);
$$;

-- Spread the news of cases to these destinations, which are configured in the environment. A new destination gets the default
-- settings. Returns how many cases now wait to be sent.
create function stockroom_api.spread_news(_names text[]) returns bigint
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into stockroom.destinations (name) select n from unnest(_names) n order by n on conflict do nothing;
    with taken as (
        delete from stockroom.alert_news n
         where n.id in (select f.id from stockroom.alert_news f order by f.id limit 20000 for update skip locked)
        returning n.alert_id, n.at
    ), latest as (
        select t.alert_id, max(t.at) as at from taken t group by t.alert_id
    ), waiting as (
        insert into stockroom.alert_waits (destination, alert_id, at, due_at)
        select d.name, a.id, l.at, stockroom_api.due_for(d, a.severity, l.at, s.zone)
          from latest l
          join stockroom.alerts a on a.id = l.alert_id and a.state <> 'resolved'
          join stockroom.destinations d
            on d.is_on and stockroom_api.severity_rank(a.severity) >= stockroom_api.severity_rank(d.min_severity)
          cross join stockroom.shop s
         where d.name = any (_names)
         order by d.name, a.id
        on conflict (destination, alert_id) do update set at = excluded.at, due_at = excluded.due_at
        returning 1
    )
    select count(*) from waiting;
$$;

-- Take the cases that are due. Cases resolved meanwhile are dropped, and so are those of destinations that are off or gone.
create function stockroom_api.take_waits(_names text[])
    returns table (destination text, digest text, alert_id bigint, severity text, sentence text, units bigint, money bigint,
                   currency text, first_at timestamptz, is_late boolean)
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with taken as (
        delete from stockroom.alert_waits w
         where (w.destination, w.alert_id) in (
            select f.destination, f.alert_id from stockroom.alert_waits f
             where f.due_at <= clock_timestamp() or not f.destination = any (_names)
               for update skip locked)
        returning w.destination, w.alert_id
    )
    select t.destination, d.digest, a.id, a.severity, stockroom_api.told_sentence(a), s.units, s.money, a.currency, a.first_at,
           a.escalated_at is not null and a.state = 'open' and a.assigned_to is null
      from taken t
      join stockroom.destinations d on d.name = t.destination and d.is_on and d.name = any (_names)
      join stockroom.alerts a on a.id = t.alert_id and a.state <> 'resolved'
      join stockroom_api.alert_stakes s on s.alert_id = a.id
     order by t.destination, stockroom_api.severity_rank(a.severity) desc, a.first_at, a.id;
$$;

-- Put one message about several cases into the outbox.
create function stockroom_api.enqueue_bundle(
    _key text, _kind text, _destination text, _title text, _body text, _alert_ids bigint[]
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _id bigint := stockroom_api.enqueue_delivery(_key, _kind, _destination, null, _title, _body);
begin
    insert into stockroom.delivery_alerts (delivery_id, alert_id) select _id, n from unnest(_alert_ids) n where _id is not null;
    return _id;
end $$;

-- Claim up to `_limit` due messages for `_seconds`, except those to some destinations. A worker that has not finished by then has
-- crashed, and another claims them. Nothing is locked when this returns.
create function stockroom_api.claim_deliveries(_limit int, _seconds int, _except text[] default '{}')
    returns table (id bigint, kind text, destination text, recipient text, title text, body text, attempts int)
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with due as (
        select d.id from stockroom.deliveries d
         where d.state = 'waiting' and d.due_at <= clock_timestamp() and not d.destination = any (_except)
           and stockroom_api.may_go(d.id, d.destination, now()) <= now()
         order by d.due_at, d.id
         limit _limit
           for update skip locked
    ), claimed as (
        update stockroom.deliveries d
           set due_at = clock_timestamp() + make_interval(secs => _seconds), attempts = d.attempts + 1
          from due where d.id = due.id
        returning d.*
    )
    select c.id, c.kind, c.destination, c.recipient, c.title, c.body, c.attempts from claimed c order by c.id;
$$;

-- Mark a message as sent.
create function stockroom_api.finish_delivery(_id bigint) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.deliveries set state = 'sent', finished_at = clock_timestamp(), why = null where id = _id and state = 'waiting';
$$;

-- Schedule a retry of a message that could not be sent. Retries back off, with jitter, and respect quiet hours. After `_most`
-- tries, or if a retry cannot help, the message has failed. Returns its state.
create function stockroom_api.put_off_delivery(_id bigint, _why text, _most int, _is_lasting boolean) returns text
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.deliveries d
       set state = case when _is_lasting or d.attempts >= _most then 'failed' else 'waiting' end,
           finished_at = case when _is_lasting or d.attempts >= _most then clock_timestamp() end,
           failed_at = clock_timestamp(), why = left(_why, 500),
           due_at = stockroom_api.may_go(d.id, d.destination, clock_timestamp()
                    + make_interval(secs => least(3600, 30 * power(2, least(d.attempts - 1, 8))) * (0.8 + 0.4 * random())))
     where d.id = _id and d.state = 'waiting'
    returning d.state;
$$;

-- Save the settings of a destination; recorded in the audit. Refuses: SK008, SK009, SK010.
create function stockroom_api.save_destination(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _destination text, _wishes jsonb
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before jsonb := (select to_jsonb(d) from stockroom.destinations d where d.name = _destination);
    _after stockroom.destinations;
begin
    if not _destination ~ '^[a-z][a-z0-9_]{0,39}$' or _destination = 'orders' then
        perform stockroom_api.refuse_value('destination', 'does not receive alerts');
    end if;
    _after := jsonb_populate_record(null::stockroom.destinations, _wishes || jsonb_build_object('name', _destination));
    if (_after.quiet_from is null) <> (_after.quiet_until is null) or _after.quiet_from = _after.quiet_until then
        perform stockroom_api.refuse_value('quiet hours', 'need a beginning and a different end');
    end if;
    insert into stockroom.destinations as d select _after.*
    on conflict (name) do update
       set is_on = excluded.is_on, min_severity = excluded.min_severity, quiet_from = excluded.quiet_from,
           quiet_until = excluded.quiet_until, urgent_passes = excluded.urgent_passes, digest = excluded.digest,
           digest_at = excluded.digest_at, daily_proof = excluded.daily_proof, place = excluded.place;
    update stockroom.alert_waits w set due_at = stockroom_api.due_for(_after, a.severity, w.at, s.zone)
      from stockroom.alerts a, stockroom.shop s
     where w.destination = _destination and a.id = w.alert_id;
    perform stockroom_api.note_change(_user_id, _who, 'destination_changed', _destination, _before, to_jsonb(_after));
end $$;

-- Record the result of a test message: `_why` it failed, or null. Refuses: SK009, SK010.
create function stockroom_api.note_test(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _destination text, _title text, _why text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    insert into stockroom.deliveries (key, kind, destination, title, body, state, attempts, finished_at, failed_at, why)
    values ('test:' || gen_random_uuid(), 'test', _destination, _title, '', case when _why is null then 'sent' else 'failed' end, 1,
        clock_timestamp(), case when _why is not null then clock_timestamp() end, left(_why, 500));
end $$;

-- Delete what was sent more than `_days` ago. Order mails keep their key, so that none is sent again, but lose address and text.
create function stockroom_api.forget_deliveries(_days int) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from stockroom.deliveries d
     where d.kind <> 'order' and d.finished_at < now() - make_interval(days => _days);
    update stockroom.deliveries d set recipient = null, body = ''
     where d.kind = 'order' and d.finished_at < now() - make_interval(days => _days) and d.recipient is not null;
$$;

-- The settings of each destination, as the page shows them.
create view stockroom_api.destinations as
select d.name, d.is_on, d.min_severity, d.quiet_from, d.quiet_until, d.urgent_passes, d.digest, d.digest_at, d.daily_proof, d.place,
       (select count(*) from stockroom.alert_waits w where w.destination = d.name) as waiting
  from stockroom.destinations d;

-- The state of each destination: last success, last failure, waiting and failed messages.
create view stockroom_api.destination_health as
select d.destination as name, max(d.finished_at) filter (where d.state = 'sent') as sent_at, max(d.failed_at) as failed_at,
       (array_agg(d.why order by d.failed_at desc) filter (where d.failed_at is not null and d.why is not null))[1] as why,
       count(*) filter (where d.state = 'waiting') as waiting, count(*) filter (where d.state = 'failed') as failed
  from stockroom.deliveries d
 group by d.destination;

-- The messages about a case, without their texts.
create view stockroom_api.alert_deliveries as
select t.alert_id, d.id, d.kind, d.destination, d.state, d.attempts, d.due_at, d.created_at, d.finished_at, d.why
  from stockroom.delivery_alerts t
  join stockroom.deliveries d on d.id = t.delivery_id
union all
select w.alert_id, null, 'alert', w.destination, 'postponed', 0, w.due_at, w.at, null, null from stockroom.alert_waits w;

grant select on stockroom_api.destinations, stockroom_api.destination_health, stockroom_api.alert_deliveries to stockroom_app;
grant execute on function
    stockroom_api.spread_news(text[]), stockroom_api.take_waits(text[]),
    stockroom_api.enqueue_bundle(text, text, text, text, text, bigint[]), stockroom_api.claim_deliveries(int, int, text[]),
    stockroom_api.finish_delivery(bigint), stockroom_api.put_off_delivery(bigint, text, int, boolean),
    stockroom_api.save_destination(bigint, bigint, text[], text, text, jsonb),
    stockroom_api.note_test(bigint, bigint, text[], text, text, text, text), stockroom_api.forget_deliveries(int)
    to stockroom_app;
