-- What people do with cases, one or many at once: acknowledge, snooze, assign, resolve; all of them or none.

-- The cases with these ids, locked. Refuses if one is resolved. The locks follow the order of a posting, which opens cases last:
-- orders, then variants, then cases, each in ascending id, so that two transactions cannot deadlock. Refuses: SK008.
create function stockroom_api.open_cases(_alert_ids bigint[]) returns setof stockroom.alerts
    language plpgsql as $$
declare
    _wanted bigint[] := array(select distinct w.id from unnest(_alert_ids) w (id) order by w.id);
    _ended stockroom.alerts;
begin
    if cardinality(_wanted) not between 1 and 500 then
        perform stockroom_api.refuse_value('cases', 'must be 1 to 500 at once');
    end if;
    perform from stockroom.orders o
      where o.id in (select a.order_id from stockroom.alerts a where a.id = any (_wanted)) order by o.id for no key update;
    perform from public.product_variants v
      where v.id in (select a.variant_id from stockroom.alerts a where a.id = any (_wanted)) order by v.id for no key update;
    perform from stockroom.alerts a where a.id = any (_wanted) order by a.id for no key update;
    if (select count(*) from stockroom.alerts a where a.id = any (_wanted)) < cardinality(_wanted) then
        perform stockroom_api.refuse_value('case', 'does not exist');
    end if;
    select * into _ended from stockroom.alerts a where a.id = any (_wanted) and a.state = 'resolved' order by a.id limit 1;
    if found then
        perform stockroom_api.refuse_value('case', format('was resolved by %s already: %s',
            _ended.resolved_by, left(_ended.sentence, 120)));
    end if;
    return query select a.* from stockroom.alerts a where a.id = any (_wanted) order by a.id;
end $$;

-- Acknowledge cases; those already acknowledged stay as they are. Refuses: SK008, SK009, SK010.
create function stockroom_api.acknowledge_alerts(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _alert_ids bigint[]
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _open bigint[] := array(select c.id from stockroom_api.open_cases(_alert_ids) c where c.state = 'open');
begin
    update stockroom.alerts set state = 'acknowledged' where id = any (_open);
    insert into stockroom.alert_history (alert_id, who, what) select c, _who, 'acknowledged' from unnest(_open) c;
end $$;

-- Snooze cases until a moment; null wakes them. A snoozed case also wakes when it repeats or becomes more severe. Refuses: SK008,
-- SK009, SK010.
create function stockroom_api.snooze_alerts(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _alert_ids bigint[], _until timestamptz
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _zone text := (select zone from stockroom.shop);
    _cases bigint[] := array(select c.id from stockroom_api.open_cases(_alert_ids) c
                              where _until is not null or c.snoozed_until > now());
begin
    if _until <= now() or _until > now() + interval '1 year' then
        perform stockroom_api.refuse_value('moment', 'must lie ahead, and within a year');
    end if;
    update stockroom.alerts set snoozed_until = _until where id = any (_cases);
    insert into stockroom.alert_history (alert_id, who, what, note)
    select c, _who, case when _until is null then 'woken' else 'snoozed' end,
           'until ' || to_char(_until at time zone _zone, 'FMDD Mon YYYY, HH24:MI')
      from unnest(_cases) c;
end $$;

-- Assign cases to a person who may handle cases (active and in one of `_roles`), or, with null, to nobody. Refuses: SK008, SK009,
-- SK010.
create function stockroom_api.assign_alerts(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _alert_ids bigint[], _to bigint
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _cases bigint[] := array(select c.id from stockroom_api.open_cases(_alert_ids) c where c.assigned_to is distinct from _to);
    _person stockroom.users;
begin
    select * into _person from stockroom.users u where u.id = _to;
    if _to is not null and (_person.is_active and _person.role = any (_roles)) is not true then
        perform stockroom_api.refuse('SK008',
            format('%s may not handle cases; choose another person.', coalesce(_person.name, 'This person')),
            '{"field": "person", "why": "may not handle cases; choose another person"}');
    end if;
    update stockroom.alerts set assigned_to = _to where id = any (_cases);
    insert into stockroom.alert_history (alert_id, who, what, note)
    select c, _who, 'assigned', 'to ' || coalesce(_person.name, 'nobody') from unnest(_cases) c;
end $$;

-- Resolve cases with a reason. Open lines of an order become oversold (`_is_awaited`: the buyer waits for them), and an unreadable message is ignored from then on.
-- Refuses: SK008, SK009, SK010.
create function stockroom_api.resolve_alerts(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _alert_ids bigint[], _reason text,
    _is_awaited boolean default false
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _cases stockroom.alerts[];
begin
    if coalesce(btrim(_reason), '') = '' then
        perform stockroom_api.refuse_value('reason', 'is needed');
    end if;
    _cases := array(select c from stockroom_api.open_cases(_alert_ids) c);
    perform stockroom_api.oversell(array(select distinct c.order_id from unnest(_cases) c where c.cause like 'order:%'),
        _is_awaited);
    update stockroom.stripe_events e set state = 'ignored', why = left(_reason, 1000), finished_at = now()
      from unnest(_cases) c where e.id = c.event_id and e.state = 'parked';
    perform stockroom_api.resolve_cause(c.cause, _who, _reason) from unnest(_cases) c;
end $$;

-- The people a case can be assigned to: those with an active account in one of `_roles`. Refuses: SK009, SK010.
create function stockroom_api.case_hands(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (user_id bigint, name text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query select u.id, u.name from stockroom.users u where u.is_active and u.role = any (_roles) order by lower(u.name), u.id;
end $$;

grant execute on function
    stockroom_api.acknowledge_alerts(bigint, bigint, text[], text, bigint[]),
    stockroom_api.snooze_alerts(bigint, bigint, text[], text, bigint[], timestamptz),
    stockroom_api.assign_alerts(bigint, bigint, text[], text, bigint[], bigint),
    stockroom_api.resolve_alerts(bigint, bigint, text[], text, bigint[], text, boolean),
    stockroom_api.case_hands(bigint, bigint, text[], text)
    to stockroom_app;
