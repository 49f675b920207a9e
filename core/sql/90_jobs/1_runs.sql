-- The background jobs: the list, when each is due, its runs, and which are switched off.

-- The first moment after `_after` that is the time of the daily jobs in the shop's zone, once a day even when clocks change. If
-- that time is skipped on a day, it is an hour later.
create function stockroom_api.next_daily(_after timestamptz) returns timestamptz
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select min(t.at)
      from stockroom.shop s, stockroom.job_hour h, generate_series(0, 2) n,
           lateral (select (stockroom_api.day_at(_after, s.zone) + n + h.daily_at) at time zone s.zone) t (at)
     where t.at > _after;
$$;

-- Store the list of jobs. Known ones keep their times.
create function stockroom_api.plan_jobs(_jobs jsonb) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    insert into stockroom.jobs as j (name, title, period, is_daily, limit_seconds, next_at)
    select n.name, n.title, n.period, n.is_daily, n.limit_seconds, n.next_at
      from jsonb_to_recordset(_jobs) n (name text, title text, period int, is_daily boolean, limit_seconds int,
           next_at timestamptz)
     order by n.name
    on conflict (name) do update
       set title = excluded.title, period = excluded.period, is_daily = excluded.is_daily,
           limit_seconds = excluded.limit_seconds, known_at = now(),
           next_at = case when excluded.next_at is null then null else coalesce(j.next_at, excluded.next_at) end;
$$;

-- Forget jobs that this shop no longer has, such as that of the sample shop: they are not listed and not missed.
create function stockroom_api.forget_jobs(_names text[]) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.jobs set known_at = '-infinity', asked_at = null, asked_by = null
     where name = any (_names) and known_at > '-infinity';
$$;

-- Each job with its last run and its next time. A job is overdue if it has missed its time twice and is not running; one that is
-- switched off never is. It is failing if its last three runs failed (of a daily job, the last one) and none succeeded within ten
-- minutes. Jobs of an older release are left out a day after the last process that had them.
create view stockroom_api.job_states as
select j.name, j.title, j.period, j.is_daily, j.limit_seconds, j.asked_at, j.asked_by, w.off_at, w.off_by,
       b.began_at as last_began_at, e.ended_at as last_ended_at, e.outcome as last_outcome, e.said as last_said,
       e.ended_at - e.began_at as last_took, b.began_at is not null and b.ended_at is null as is_running,
       b.lingers_at > now() - interval '45 seconds' as lingers,
       case when w.name is null then t.next_at end as next_at,
       w.name is null
           and not (b.began_at is not null and b.ended_at is null
                    and b.began_at > now() - make_interval(secs => j.limit_seconds + 60))
           and now() > greatest(b.began_at, j.expected_at)
                       + make_interval(secs => 2 * j.period + greatest(60, j.period / 24)) as overdue,
       w.name is null and f.bad_runs = f.needed and not exists (
           select from stockroom.job_runs r
            where r.name = j.name and r.outcome in ('done', 'idle') and r.ended_at > now() - interval '10 minutes') as failing
  from stockroom.jobs j
  left join stockroom.job_switches w on w.name = j.name
  left join lateral (select r.* from stockroom.job_runs r where r.name = j.name order by r.id desc limit 1) b on true
  left join lateral (select r.* from stockroom.job_runs r where r.name = j.name and r.ended_at is not null
                      order by r.id desc limit 1) e on true
 cross join lateral (select n.needed, count(*) filter (where r.outcome in ('failed', 'timed_out', 'lost')) as bad_runs
                       from (values (case when j.is_daily then 1 else 3 end)) n (needed)
                       left join lateral (select r.outcome from stockroom.job_runs r where r.name = j.name and r.ended_at is not null
                                           order by r.id desc limit n.needed) r on true
                      group by n.needed) f
 cross join lateral (select case when j.is_daily then stockroom_api.next_daily(j.done_until) else j.next_at end) t (next_at)
 where j.known_at > (select max(k.known_at) from stockroom.jobs k) - interval '1 day';

-- The last runs of the jobs, for metrics.
create view stockroom_api.job_pulse as
select s.name, s.last_began_at, s.last_ended_at, s.last_outcome, s.next_at, s.overdue from stockroom_api.job_states s;

-- The runs of the jobs, with the lines that they reported.
create view stockroom_api.job_runs as
select r.id, r.name, r.began_at, r.ended_at, r.outcome, r.said, r.worker, r.asked_by from stockroom.job_runs r;

-- The jobs to start now: a person asked, it is the hour of the daily jobs, or no worker was there at their time.
create view stockroom_api.jobs_due as
select s.name
  from stockroom_api.job_states s
 where s.off_at is null
   and (s.asked_at is not null or s.next_at <= now() - case when s.is_daily then interval '0' else interval '90 seconds' end);

-- Start a run and return its id, or null if the job may not start: it is switched off, its last run continues past its limit, or
-- it is a daily job that has already run, or the sample shop is being removed. An open run was left by a dead worker, because the queue starts no job twice at once.
create function stockroom_api.begin_job(_job text, _worker text, _next_at timestamptz) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _known stockroom.jobs;
    _is_lost boolean;
    _id bigint;
begin
    if not pg_try_advisory_xact_lock_shared(stockroom_api.removal_lock()) then
        return null;  -- the sample shop is being removed
    end if;
    select * into _known from stockroom.jobs where name = _job for update;
    if not found or exists (select from stockroom.job_switches w where w.name = _job) or exists (
        select from stockroom.job_runs r where r.name = _job and r.lingers_at > now() - interval '45 seconds') then
        return null;
    end if;
    update stockroom.job_runs
       set ended_at = clock_timestamp(), outcome = 'lost', said = said || 'Its worker died during the run.'::text
     where name = _job and ended_at is null;
    _is_lost := found;
    if _known.is_daily and _known.asked_at is null and not _is_lost and stockroom_api.next_daily(_known.done_until) > now() then
        return null;
    end if;
    update stockroom.jobs set done_until = now(), next_at = _next_at, asked_at = null, asked_by = null where name = _job;
    insert into stockroom.job_runs (name, worker, asked_by) values (_job, _worker, _known.asked_by) returning id into _id;
    perform stockroom_api.resolve_cause('job:' || _job, 'Stockroom', 'It runs again.');
    return _id;
end $$;

-- End a run. Of the runs that had nothing to do, only the last is stored; others are stored for `_keep_days`.
create function stockroom_api.end_job(_id bigint, _outcome text, _said text[], _lingers boolean, _keep_days int) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _job text;
begin
    update stockroom.job_runs
       set ended_at = clock_timestamp(), outcome = _outcome, said = _said, lingers_at = case when _lingers then now() end
     where id = _id and ended_at is null
    returning name into _job;
    delete from stockroom.job_runs r
     where r.name = _job and r.id < _id
       and (r.began_at < now() - make_interval(days => _keep_days) or (_outcome = 'idle' and r.outcome = 'idle'));
    if _outcome in ('done', 'idle') then
        perform stockroom_api.resolve_cause('job_fails:' || _job, 'Stockroom', 'It works again.');
    end if;
end $$;

-- Record that runs past their limit still continue, or that they are over.
create function stockroom_api.linger(_ids bigint[], _is_over boolean) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.job_runs set lingers_at = case when not _is_over then now() end where id = any (_ids);
$$;

-- Open a case for each job that has missed its time twice or keeps failing and has no case yet. Returns how many.
create function stockroom_api.watch_jobs() returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _stalled stockroom_api.new_alert[];
begin
    select array_agg(row ('job_stalled', 'urgent', w.cause, w.said,
               jsonb_build_object('job', s.name, 'last_began_at', s.last_began_at, 'last_outcome', s.last_outcome),
               null, null, null, null, 0, 0, null)::stockroom_api.new_alert)
      into _stalled
      from stockroom_api.job_states s
     cross join lateral (values
           ('job:' || s.name, s.overdue, format('The job "%s" has missed its time twice.%s', s.title, case when s.lingers
               then ' Its last run has not ended; restart its worker.' else '' end)),
           ('job_fails:' || s.name, s.failing, format('The job "%s" fails repeatedly: %s', s.title,
               coalesce(s.last_said[cardinality(s.last_said)], 'it reported no reason.')))) w (cause, is_so, said)
     where w.is_so
       and not exists (select from stockroom.alerts a where a.cause = w.cause and a.state <> 'resolved');
    perform stockroom_api.open_alerts(_stalled);
    return coalesce(cardinality(_stalled), 0);
end $$;

-- Switch a job off or on; recorded in the audit. A job that is switched on is expected from now on. Refuses: SK008, SK009, SK010.
create function stockroom_api.switch_job(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _job text, _is_on boolean
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _title text := (select j.title from stockroom.jobs j where j.name = _job for update);
begin
    if _title is null then
        perform stockroom_api.refuse_value('job', 'does not exist');
    elsif _is_on then
        delete from stockroom.job_switches where name = _job;
    else
        insert into stockroom.job_switches (name, off_by) values (_job, _who) on conflict (name) do nothing;
    end if;
    if not found then
        return;
    end if;
    update stockroom.jobs set expected_at = now(), done_until = now(), asked_at = null, asked_by = null where name = _job;
    if _is_on then
        perform stockroom_api.note_change(_user_id, _who, 'job_switched_on', _title);
    else
        perform stockroom_api.note_change(_user_id, _who, 'job_switched_off', _title);
        perform stockroom_api.resolve_cause('job:' || _job, _who, 'It was switched off.');
        perform stockroom_api.resolve_cause('job_fails:' || _job, _who, 'It was switched off.');
    end if;
end $$;

-- Ask for a job to run now; a worker starts it within seconds. Refuses: SK008, SK009, SK010.
create function stockroom_api.ask_job(_user_id bigint, _session_id bigint, _roles text[], _name text, _job text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
begin
    if exists (select from stockroom.job_switches w where w.name = _job) then
        perform stockroom_api.refuse_value('job', 'is switched off');
    end if;
    update stockroom.jobs set asked_at = now(), asked_by = _who where name = _job;
    if not found then
        perform stockroom_api.refuse_value('job', 'does not exist');
    end if;
end $$;

-- Change the time of the daily jobs, in the shop's zone. Refuses: SK009, SK010.
create function stockroom_api.change_job_hour(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _daily_at time
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before time := (select h.daily_at from stockroom.job_hour h for update);
begin
    update stockroom.job_hour set daily_at = _daily_at;
    perform stockroom_api.note_change(_user_id, _who, 'job_hour', 'Daily jobs',
        jsonb_build_object('daily_at', to_char(_before, 'HH24:MI')), jsonb_build_object('daily_at', to_char(_daily_at, 'HH24:MI')));
end $$;

-- The time of the daily jobs.
create view stockroom_api.job_hour as
select h.daily_at from stockroom.job_hour h;

grant select on stockroom_api.job_states, stockroom_api.job_pulse, stockroom_api.job_runs, stockroom_api.jobs_due,
    stockroom_api.job_hour to stockroom_app;
grant execute on function
    stockroom_api.next_daily(timestamptz), stockroom_api.plan_jobs(jsonb), stockroom_api.forget_jobs(text[]),
    stockroom_api.begin_job(text, text, timestamptz),
    stockroom_api.end_job(bigint, text, text[], boolean, int), stockroom_api.linger(bigint[], boolean),
    stockroom_api.watch_jobs(), stockroom_api.switch_job(bigint, bigint, text[], text, text, boolean),
    stockroom_api.ask_job(bigint, bigint, text[], text, text), stockroom_api.change_job_hour(bigint, bigint, text[], text, time)
    to stockroom_app;
