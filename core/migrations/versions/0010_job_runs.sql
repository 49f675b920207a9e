-- What the jobs did, and which are switched off. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- The jobs that workers know: how often each is due, from when on it is expected, and up to when its times are done.
-- `next_at` is as its cron says; one at the shop's hour has none, for that hour is worked out when somebody looks.
create table stockroom.jobs (
    name          text primary key check (name ~ '^[a-z_]{1,40}$'),
    title         text not null,
    period        int not null check (period > 0),
    is_daily      boolean not null,
    limit_seconds int not null check (limit_seconds > 0),
    expected_at   timestamptz not null default now(),
    known_at      timestamptz not null default now(),
    done_until    timestamptz not null default now(),
    next_at       timestamptz,
    asked_at      timestamptz,
    asked_by      text
);

-- What a job did, and what it said meanwhile. `lingers_at`: when its worker last said that it goes on past its limit.
create table stockroom.job_runs (
    id         bigint generated always as identity primary key,
    name       text not null,
    began_at   timestamptz not null default clock_timestamp(),
    ended_at   timestamptz,
    outcome    text,
    said       text[] not null default '{}',
    worker     text not null,
    asked_by   text,
    lingers_at timestamptz,
    constraint job_runs_outcome_check check (outcome in ('done', 'idle', 'failed', 'timed_out', 'lost')),
    constraint job_runs_ended_check check ((outcome is null) = (ended_at is null))
);
create index job_runs_name_idx on stockroom.job_runs (name, id desc);

-- The jobs that an admin has switched off.
create table stockroom.job_switches (
    name   text primary key,
    off_at timestamptz not null default now(),
    off_by text not null
);

-- When the daily jobs begin, on the shop's own clock.
create table stockroom.job_hour (
    only_row boolean primary key default true check (only_row),
    daily_at time not null default '03:00'
);
insert into stockroom.job_hour default values;
