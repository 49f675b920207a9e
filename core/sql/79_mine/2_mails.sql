-- The mail with a person's views: when it is due, claimed by one worker, handed to the mail server once, and what came of it.

-- A person's mail as they chose it, and where it goes; no row without a choice. Refuses: SK009, SK010.
create function stockroom_api.view_subscription(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (rhythm text, at time, is_on boolean, next_at timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select s.rhythm, s.at, s.is_on, (
            select min(m.moment) from stockroom_api.view_mail_days(s.rhythm, s.at) m where m.moment > now())
          from stockroom.view_subscriptions s
         where s.user_id = _user_id;
end $$;

-- The days of a rhythm within a week of today, each with the moment when its mail is due.
create function stockroom_api.view_mail_days(_rhythm text, _at time) returns table (day date, moment timestamptz)
    language sql stable as $$
    select d.day, (d.day + _at) at time zone p.zone
      from stockroom.shop p
     cross join generate_series(-8, 8) n
     cross join lateral (select stockroom_api.day_at(now(), p.zone) + n) d (day)
     where _rhythm = 'daily' or extract(isodow from d.day) = 1;
$$;

-- Choose when the mail comes and with which views, in their order. A mail that was due before is not sent. Refuses: SK008 (they
-- do not see one of the views), SK009, SK010.
create function stockroom_api.subscribe_views(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _rhythm text, _at time, _views bigint[]
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.refuse_nobody(_user_id);
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    if exists (select from unnest(_views) n
                where not exists (select from stockroom.saved_views v
                                   where v.id = n and stockroom_api.sees_view(_user_id, v))) then
        perform stockroom_api.refuse_value('view', 'was deleted or is no longer shared');
    end if;
    insert into stockroom.view_subscriptions as s (user_id, rhythm, at) values (_user_id, _rhythm, _at)
    on conflict (user_id) do update set rhythm = excluded.rhythm, at = excluded.at, is_on = true,
        since = case when (s.rhythm, s.at, s.is_on) = (excluded.rhythm, excluded.at, true) then s.since else excluded.since end;
    delete from stockroom.subscribed_views w where w.user_id = _user_id and not w.view_id = any (_views);
    insert into stockroom.subscribed_views (user_id, view_id, place)
    select _user_id, u.n, u.place from unnest(_views) with ordinality u (n, place)
    on conflict (user_id, view_id) do update set place = excluded.place;
end $$;

-- Stop a person's mail; one that waits is not sent either. Refuses: SK009, SK010.
create function stockroom_api.unsubscribe_views(_user_id bigint, _session_id bigint, _roles text[], _name text) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    update stockroom.view_subscriptions set is_on = false where user_id = _user_id;
    update stockroom.view_mails set state = 'skipped', finished_at = clock_timestamp(), why = 'The mails were stopped.'
     where user_id = _user_id and state = 'waiting' and kind = 'due' and handed_at is null;
end $$;

-- Put the mails that are due into the outbox: of each active person the latest of their rhythm, if it was due within a day and since
-- they chose it. The key of person and day makes it one mail a day. Returns how many are new.
create function stockroom_api.plan_view_mails() returns bigint
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with planned as (
        insert into stockroom.view_mails (user_id, key, kind)
        select s.user_id, 'due:' || s.user_id || ':' || d.day, 'due'
          from stockroom.view_subscriptions s
          join stockroom.users u on u.id = s.user_id and u.is_active
         cross join lateral (
            select m.day, m.moment from stockroom_api.view_mail_days(s.rhythm, s.at) m
             where m.moment <= now() order by m.moment desc limit 1) d
         where s.is_on and d.moment >= s.since and d.moment > now() - interval '1 day'
           and exists (select from stockroom.subscribed_views w where w.user_id = s.user_id)
         order by s.user_id
        on conflict (key) do nothing
        returning 1
    )
    select count(*) from planned;
$$;

-- Ask for a mail now and return its id, or null if `_key` was asked before. It is claimed by the asker for a minute. Refuses: SK008
-- (no views, or too many mails in an hour), SK009, SK010.
create function stockroom_api.ask_view_mail(_user_id bigint, _session_id bigint, _roles text[], _name text, _key text)
    returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _id bigint;
begin
    perform stockroom_api.refuse_nobody(_user_id);
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    if not exists (select from stockroom.subscribed_views w where w.user_id = _user_id) then
        perform stockroom_api.refuse_value('mail', 'has no views; choose at least one');
    elsif (select count(*) from stockroom.view_mails m
            where m.user_id = _user_id and m.kind = 'asked' and m.created_at > now() - interval '1 hour') >= 20 then
        perform stockroom_api.refuse_value('mails', 'are at most 20 an hour; wait a moment');
    end if;
    insert into stockroom.view_mails (user_id, key, kind, due_at)
    values (_user_id, 'asked:' || _user_id || ':' || _key, 'asked', clock_timestamp() + interval '1 minute')
    on conflict (key) do nothing
    returning id into _id;
    return _id;
end $$;

-- Close the mails that are not to be sent: a worker died while the mail server may have had it, the account is not active, or the
-- person stopped them.
create function stockroom_api.close_view_mails() returns void
    language sql as $$
    update stockroom.view_mails
       set state = 'failed', finished_at = clock_timestamp(), failed_at = clock_timestamp(),
           why = 'Stockroom stopped while it was being sent. It may have arrived, so it is not sent again by itself.'
     where state = 'waiting' and handed_at is not null and due_at <= clock_timestamp();
    update stockroom.view_mails m
       set state = 'skipped', finished_at = clock_timestamp(),
           why = case when u.is_active then 'The mails were stopped.' else 'The account is not active.' end
      from stockroom.users u
     where m.state = 'waiting' and m.handed_at is null and u.id = m.user_id
       and not (u.is_active and (m.kind = 'asked' or exists (
            select from stockroom.view_subscriptions s where s.user_id = u.id and s.is_on)));
$$;

-- Claim a due mail, or the one just asked for, for `_seconds`. A worker that has not handed it over by then has crashed, and
-- another claims it. Nothing is locked when this returns.
create function stockroom_api.claim_view_mail(_seconds int, _asked bigint default null)
    returns table (id bigint, user_id bigint, name text, email text, role text, stamp text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.close_view_mails();
    return query
        with due as (
            select m.id from stockroom.view_mails m
             where m.state = 'waiting' and m.handed_at is null
               and (m.id = _asked or _asked is null and m.due_at <= clock_timestamp())
             order by m.due_at, m.id
             limit 1
               for update skip locked
        ), claimed as (
            update stockroom.view_mails m
               set due_at = clock_timestamp() + make_interval(secs => _seconds), attempts = m.attempts + 1
              from due where m.id = due.id
            returning m.id, m.user_id, m.created_at
        )
        select c.id, c.user_id, u.name, u.email, u.role, to_char(c.created_at, 'YYYYMMDDHH24MISSUS') from claimed c join stockroom.users u on u.id = c.user_id;
end $$;

-- The views of a person's mail that they see now, in their order.
create function stockroom_api.views_to_mail(_for bigint) returns table (view_id bigint, name text, page text, query text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select v.id, v.name, v.page, v.query
      from stockroom.subscribed_views w
      join stockroom.saved_views v on v.id = w.view_id and stockroom_api.sees_view(_for, v)
     where w.user_id = _for
     order by w.place, v.id;
$$;

-- Note that the mail server gets a mail now, as it was made for this role and address. False if the person is no longer active, has
-- another role or address, or stopped the mails: then it is due again, to be made again or closed.
create function stockroom_api.hand_view_mail(
    _id bigint, _role text, _recipient text, _title text, _body text, _pictures int
) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update stockroom.view_mails m
       set handed_at = clock_timestamp(), due_at = clock_timestamp() + interval '5 minutes', recipient = _recipient,
           title = left(_title, 200), body = left(_body, 20000), pictures = _pictures
      from stockroom.users u
     where m.id = _id and m.state = 'waiting' and m.handed_at is null and u.id = m.user_id
       and u.is_active and u.role = _role and u.email = _recipient
       and (m.kind = 'asked' or exists (select from stockroom.view_subscriptions s where s.user_id = u.id and s.is_on));
    if not found then
        update stockroom.view_mails set due_at = clock_timestamp() where id = _id and state = 'waiting' and handed_at is null;
        return false;
    end if;
    return true;
end $$;

-- Record that a mail was sent, or with `_why` that there was nothing to send.
create function stockroom_api.finish_view_mail(_id bigint, _why text default null) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.view_mails
       set state = case when _why is null then 'sent' else 'skipped' end, finished_at = clock_timestamp(), why = left(_why, 500)
     where id = _id and state = 'waiting';
$$;

-- Schedule a retry of a mail that the server did not take. Retries back off, with jitter. After `_most` tries, or if a retry cannot
-- help, it has failed. Returns its state.
create function stockroom_api.put_off_view_mail(_id bigint, _why text, _most int, _is_lasting boolean) returns text
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.view_mails m
       set state = case when _is_lasting or m.attempts >= _most then 'failed' else 'waiting' end,
           finished_at = case when _is_lasting or m.attempts >= _most then clock_timestamp() end,
           failed_at = clock_timestamp(), why = left(_why, 500), handed_at = null,
           due_at = clock_timestamp()
                    + make_interval(secs => least(3600, 30 * power(2, least(m.attempts - 1, 8))) * (0.8 + 0.4 * random()))
     where m.id = _id and m.state = 'waiting'
    returning m.state;
$$;

-- A person's latest mails, newest first. Refuses: SK009, SK010.
create function stockroom_api.own_view_mails(_user_id bigint, _session_id bigint, _roles text[], _name text, _count int)
    returns table (mail_id bigint, is_asked boolean, title text, recipient text, body text, pictures int, state text, attempts int,
                   due_at timestamptz, created_at timestamptz, finished_at timestamptz, why text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select m.id, m.kind = 'asked', m.title, m.recipient, m.body, m.pictures, m.state, m.attempts, m.due_at, m.created_at,
               m.finished_at, m.why
          from stockroom.view_mails m
         where m.user_id = _user_id
         order by m.id desc
         limit least(greatest(_count, 1), 100);
end $$;

-- Delete the mails that were finished more than `_days` ago.
create function stockroom_api.forget_view_mails(_days int) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from stockroom.view_mails m where m.finished_at < now() - make_interval(days => _days);
$$;

grant execute on function
    stockroom_api.view_subscription(bigint, bigint, text[], text),
    stockroom_api.subscribe_views(bigint, bigint, text[], text, text, time, bigint[]),
    stockroom_api.unsubscribe_views(bigint, bigint, text[], text), stockroom_api.plan_view_mails(),
    stockroom_api.ask_view_mail(bigint, bigint, text[], text, text), stockroom_api.claim_view_mail(int, bigint),
    stockroom_api.views_to_mail(bigint), stockroom_api.hand_view_mail(bigint, text, text, text, text, int),
    stockroom_api.finish_view_mail(bigint, text), stockroom_api.put_off_view_mail(bigint, text, int, boolean),
    stockroom_api.own_view_mails(bigint, bigint, text[], text, int), stockroom_api.forget_view_mails(int)
    to stockroom_app;
