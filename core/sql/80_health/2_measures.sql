-- Measurements of the installation, stored by minute and by hour, and the detection of slowdowns.

-- The sum of two histograms.
create function stockroom_api.add_counts(_one bigint[], _other bigint[]) returns bigint[]
    language sql immutable
    return (select array_agg(coalesce(c.a, 0) + coalesce(c.b, 0)) from unnest(_one, _other) c (a, b));

-- Add the measurements of a process since its last call to the present minute and hour.
create function stockroom_api.keep_calls(_rows jsonb) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into stockroom.health_calls as h (span, at, kind, name, ok, refused, failed, retried, seconds, buckets)
    select s.span, date_trunc(s.span, now(), 'UTC'), r.kind, r.name, r.ok, r.refused, r.failed, r.retried, r.seconds, r.buckets
      from jsonb_to_recordset(_rows) r (kind text, name text, ok bigint, refused bigint, failed bigint, retried bigint,
           seconds double precision, buckets bigint[])
     cross join unnest(array['hour', 'minute']) s (span)
     order by s.span, r.kind, r.name
    on conflict (span, kind, at, name) do update
       set ok = h.ok + excluded.ok, refused = h.refused + excluded.refused, failed = h.failed + excluded.failed,
           retried = h.retried + excluded.retried, seconds = h.seconds + excluded.seconds,
           buckets = stockroom_api.add_counts(h.buckets, excluded.buckets);
$$;

-- The present state of the database. Every role may see that sessions wait for locks, but not which locks.
create view stockroom_api.vital_signs as
select r.revision, r.checksum, i.waiting as inbox_waiting, i.parked as inbox_parked,
       coalesce(extract(epoch from now() - i.oldest), 0)::float8 as inbox_lag,
       extract(epoch from now() - (select max(w.last_heartbeat) from procrastinate.procrastinate_workers w))::float8 as worker_age,
       l.waiters as lock_waiters, l.longest as lock_wait
  from stockroom_api.release r, stockroom_api.inbox_state i,
       (select count(*) as waiters, coalesce(max(extract(epoch from clock_timestamp() - k.waitstart)), 0)::float8 as longest
          from pg_locks k
          join pg_stat_activity a on a.pid = k.pid and a.datname = current_database()
         where not k.granted) l;

-- Store a sample of the database's state for this minute and this hour. Delete minutes after eight days and hours after
-- thirty-five.
create function stockroom_api.keep_sample() returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into stockroom.health_samples as h (span, at, database_bytes, inbox_waiting, inbox_lag, lock_waiters, lock_wait)
    select s.span, date_trunc(s.span, now(), 'UTC'), pg_database_size(current_database()), v.inbox_waiting, v.inbox_lag,
           v.lock_waiters, v.lock_wait
      from stockroom_api.vital_signs v
     cross join unnest(array['hour', 'minute']) s (span)
    on conflict (span, at) do update
       set database_bytes = excluded.database_bytes, inbox_waiting = greatest(h.inbox_waiting, excluded.inbox_waiting),
           inbox_lag = greatest(h.inbox_lag, excluded.inbox_lag),
           lock_waiters = greatest(h.lock_waiters, excluded.lock_waiters),
           lock_wait = greatest(h.lock_wait, excluded.lock_wait);
    delete from stockroom.health_samples
     where (span = 'minute' and at < now() - interval '8 days') or (span = 'hour' and at < now() - interval '35 days');
    delete from stockroom.health_calls
     where (span = 'minute' and at < now() - interval '8 days') or (span = 'hour' and at < now() - interval '35 days');
$$;

-- The measurements of a kind between two moments, in steps. Steps of an hour or more read the hours, shorter ones the minutes.
create function stockroom_api.calls_between(_kind text, _since timestamptz, _until timestamptz, _step interval)
    returns table (at timestamptz, name text, ok bigint, refused bigint, failed bigint, retried bigint, seconds float8,
                   buckets bigint[])
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with chosen as (
        select date_bin(_step, h.at, _since) as at, h.name, h.ok, h.refused, h.failed, h.retried, h.seconds, h.buckets
          from stockroom.health_calls h
         where h.span = case when _step >= interval '1 hour' then 'hour' else 'minute' end
           and h.kind = _kind and h.at >= _since and h.at < _until
    ), counted as (
        select c.at, c.name, array_agg(c.units order by c.place) as buckets
          from (select i.at, i.name, b.place, sum(b.units)::bigint as units
                  from chosen i cross join unnest(i.buckets) with ordinality b (units, place)
                 group by i.at, i.name, b.place) c
         group by c.at, c.name
    )
    select i.at, i.name, sum(i.ok)::bigint, sum(i.refused)::bigint, sum(i.failed)::bigint, sum(i.retried)::bigint,
           sum(i.seconds), n.buckets
      from chosen i
      join counted n on n.at = i.at and n.name = i.name
     group by i.at, i.name, n.buckets
     order by i.at, i.name;
$$;

-- The samples of the database's state, by minute and by hour.
create view stockroom_api.health_samples as
select h.span, h.at, h.database_bytes, h.inbox_waiting, h.inbox_lag, h.lock_waiters, h.lock_wait from stockroom.health_samples h;

-- Record which functions are slow now. A case opens after three slow checks in a row, and closes after three that are not slow.
-- Returns how many functions have been slow three times.
create function stockroom_api.judge_speed(_found jsonb) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _each record;
    _new stockroom_api.new_alert[];
begin
    insert into stockroom.health_slow as h (name, in_a_row)
    select f.name, 1 from jsonb_to_recordset(_found) f (name text) order by f.name
    on conflict (name) do update set in_a_row = least(h.in_a_row + 1, 3), checked_at = now();
    update stockroom.health_slow h set in_a_row = greatest(h.in_a_row - 1, 0), checked_at = now()
     where not exists (select from jsonb_to_recordset(_found) f (name text) where f.name = h.name);
    select array_agg(row ('slowdown', 'warning', 'slow:' || f.name, f.sentence, f.facts, null, null, null, null, 0, 0,
               null)::stockroom_api.new_alert) into _new
      from jsonb_to_recordset(_found) f (name text, sentence text, facts jsonb)
      join stockroom.health_slow h on h.name = f.name and h.in_a_row = 3
     where not exists (select from stockroom.alerts a where a.cause = 'slow:' || f.name and a.state <> 'resolved');
    perform stockroom_api.open_alerts(coalesce(_new, '{}'));
    for _each in select h.name from stockroom.health_slow h where h.in_a_row = 0 loop
        perform stockroom_api.resolve_cause('slow:' || _each.name, 'Stockroom', 'It is as fast as in the last week again.');
        delete from stockroom.health_slow where name = _each.name;
    end loop;
    return (select count(*) from stockroom.health_slow h where h.in_a_row = 3);
end $$;

grant select on stockroom_api.vital_signs, stockroom_api.health_samples to stockroom_app;
grant execute on function
    stockroom_api.keep_calls(jsonb), stockroom_api.keep_sample(), stockroom_api.judge_speed(jsonb),
    stockroom_api.calls_between(text, timestamptz, timestamptz, interval)
    to stockroom_app;
