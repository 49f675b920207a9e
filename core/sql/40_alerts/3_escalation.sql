-- Cases that waited too long: each is sent once more, to the next destination. The limits are a setting.

-- How long cases may wait, as Settings shows it.
create view stockroom_api.waiting_limits as
select l.urgent_hours, l.other_hours, l.level_hours from stockroom.waiting_limits l;

-- How long this case may wait for a person; null: for ever.
create function stockroom_api.may_wait(_list text, _severity text) returns interval
    language sql stable as $$
    select make_interval(hours => case when _list = 'levels' then l.level_hours
                                       when _severity = 'urgent' then l.urgent_hours else l.other_hours end)
      from stockroom.waiting_limits l;
$$;

-- The destination that is next for a case: the first in order that was not sent it, else the first after the one that was sent it
-- first. Null without a destination.
create function stockroom_api.next_destination(_alert_id bigint, _names text[]) returns text
    language sql stable as $$
    with known as (
        select d.name, d.place, exists (select from stockroom.alert_waits w where w.destination = d.name and w.alert_id = _alert_id)
               or exists (select from stockroom.delivery_alerts x join stockroom.deliveries y on y.id = x.delivery_id
                           where x.alert_id = _alert_id and y.destination = d.name) as is_told
          from stockroom.destinations d where d.is_on and d.name = any (_names)
    )
    select k.name from known k
     order by k.is_told, (k.place, k.name) = (select f.place, f.name from known f where f.is_told order by f.place, f.name limit 1),
              k.place, k.name
     limit 1;
$$;

-- Put each case that has waited too long into the wait of its next destination, once. A case waits while nobody has it: it is open,
-- not snoozed and not assigned, and no person did anything about it since it opened or its snooze ended. Notes are left out where
-- no destination wants them. Another worker at once skips the locked cases. Returns how many.
create function stockroom_api.escalate_cases(_names text[]) returns bigint
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with late as materialized (
        select a.id, a.severity, m.wait
          from stockroom.alerts a
         cross join lateral (select stockroom_api.may_wait(a.list, a.severity)) m (wait)
         where a.state = 'open' and a.escalated_at is null and a.assigned_to is null
           and greatest(a.first_at, a.snoozed_until, (select max(h.at) from stockroom.alert_history h
                                                       where h.alert_id = a.id and h.who <> 'Stockroom')) < now() - m.wait
           and (a.severity <> 'note' or exists (select from stockroom.destinations d
                                                 where d.is_on and d.name = any (_names) and d.min_severity = 'note'))
         order by a.id
         limit 5000
           for no key update of a skip locked
    ), next as materialized (
        select l.id, l.severity, l.wait, d.destination
          from late l cross join lateral (select stockroom_api.next_destination(l.id, _names)) d (destination)
         where d.destination is not null
    ), marked as (
        update stockroom.alerts a set escalated_at = now() from next n where a.id = n.id
    ), waiting as (
        insert into stockroom.alert_waits (destination, alert_id, at, due_at)
        select d.name, n.id, now(), stockroom_api.due_for(d, n.severity, now(), s.zone)
          from next n join stockroom.destinations d on d.name = n.destination cross join stockroom.shop s
         order by d.name, n.id
        on conflict (destination, alert_id) do nothing
    ), noted as (
        insert into stockroom.alert_history (alert_id, who, what, note)
        select n.id, 'Stockroom', 'escalated', format('to %s: nobody has acted on it for %s hours', n.destination,
                                                      extract(epoch from n.wait)::int / 3600)
          from next n order by n.id
        returning 1
    )
    select count(*) from noted;
$$;

-- Save how long cases may wait, in hours, null for ever; recorded in the audit. Refuses: SK008, SK009, SK010.
create function stockroom_api.save_waiting_limits(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _urgent int, _other int, _levels int
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before jsonb := (select to_jsonb(l) from stockroom_api.waiting_limits l);
begin
    if least(_urgent, _other, _levels) < 1 or greatest(_urgent, _other, _levels) > 1000 then
        perform stockroom_api.refuse_value('hours', 'must be 1 to 1,000');
    end if;
    update stockroom.waiting_limits set urgent_hours = _urgent, other_hours = _other, level_hours = _levels;
    perform stockroom_api.note_change(_user_id, _who, 'waiting_changed', 'Cases', _before,
        (select to_jsonb(l) from stockroom_api.waiting_limits l));
end $$;

-- How long cases took that opened since a moment, by kind: the median seconds until a person did something, and until the case
-- was resolved. `waiting`: cases that nobody has acted on yet.
create function stockroom_api.case_times(_since timestamptz)
    returns table (kind text, cases bigint, waiting bigint, first_hand float8, resolution float8)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select a.kind, count(*), count(*) filter (where a.state = 'open' and h.at is null),
           percentile_cont(0.5) within group (order by extract(epoch from h.at - a.first_at)::float8),
           percentile_cont(0.5) within group (order by extract(epoch from a.resolved_at - a.first_at)::float8)
      from stockroom.alerts a
     cross join lateral (
        select min(x.at) as at from stockroom.alert_history x where x.alert_id = a.id and x.who <> 'Stockroom') h
     where a.first_at >= _since
     group by a.kind
     order by a.kind;
$$;

grant select on stockroom_api.waiting_limits to stockroom_app;
grant execute on function
    stockroom_api.escalate_cases(text[]), stockroom_api.case_times(timestamptz),
    stockroom_api.save_waiting_limits(bigint, bigint, text[], text, int, int, int) to stockroom_app;
