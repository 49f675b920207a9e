-- Sessions, one-time links, and the rate limit for passwords.
-- Tokens arrive here only as their sha256, passwords only as their argon2id hash.

-- The name of a person in the record of changes.
create function stockroom_api.person_called(_for bigint) returns text
    language sql stable as $$
    select name || ' (' || email || ')' from stockroom.users where id = _for;
$$;

-- ---------------------------------------------------------------- who is signed in

-- The person behind a browser's token, since when the shop exists, the page or view on which the person begins, null for Overview,
-- and the language and format of the pages; no row when the session has ended or the account is not active.
create function stockroom_api.find_session(_token_hash bytea)
    returns table (user_id bigint, session_id bigint, name text, email text, role text, has_password boolean,
                   expires_at timestamptz, shop_since timestamptz, start text, language text, format text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.id, s.id, u.name, u.email, u.role, u.password_hash is not null, s.expires_at,
           p.created_at, coalesce(t.page, concat_ws('&', v.page || '?view=' || v.id, nullif(v.query, ''))),
           coalesce(u.language, p.language), coalesce(u.format, p.format)
      from stockroom.sessions s
      join stockroom.users u on u.id = s.user_id
      left join stockroom.shop p on true
      left join stockroom.start_pages t on t.user_id = u.id
      left join stockroom.saved_views v on v.id = t.view_id and (v.owner_id = u.id or v.is_shared)
     where s.token_hash = _token_hash and s.revoked_at is null and s.expires_at > now() and u.is_active;
$$;

-- End the session of one token; an unknown or ended one is no error.
create function stockroom_api.sign_out(_token_hash bytea) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.sessions set revoked_at = now() where token_hash = _token_hash and revoked_at is null;
$$;

-- Begin a session of twelve hours, one shift. The session that the browser had before ends.
create function stockroom_api.open_session(_user_id bigint, _token_hash bytea, _user_agent text, _previous bytea)
    returns timestamptz
    language plpgsql as $$
declare
    _expires_at timestamptz := now() + interval '12 hours';
begin
    perform stockroom_api.sign_out(_previous);
    perform stockroom_api.forget_old_sign_ins();
    insert into stockroom.sessions (user_id, token_hash, expires_at, user_agent)
    values (_user_id, _token_hash, _expires_at, left(_user_agent, 300));
    return _expires_at;
end $$;

-- Begin a session after a right password or link, or a half session of ten minutes if a step is missing. Its attempt is then
-- forgotten: it was neither wrong nor enough, and must not set the count of wrong attempts back.
create function stockroom_api.enter(_user_id bigint, _attempt_id bigint, _token_hash bytea, _user_agent text, _previous bytea)
    returns table (expires_at timestamptz, step text)
    language plpgsql as $$
begin
    step := stockroom_api.missing_step(_user_id);
    if step is null then
        update stockroom.sign_in_attempts set succeeded = true where id = _attempt_id;
        expires_at := stockroom_api.open_session(_user_id, _token_hash, _user_agent, _previous);
    else
        delete from stockroom.sign_in_attempts where id = _attempt_id;
        expires_at := now() + interval '10 minutes';
        insert into stockroom.half_sessions (token_hash, user_id, step, expires_at) values (_token_hash, _user_id, step, expires_at);
    end if;
    return next;
end $$;

-- Delete what no rule reads any more, so that these tables stay small without a job.
create function stockroom_api.forget_old_sign_ins() returns void
    language sql as $$
    delete from stockroom.sign_in_attempts where at < now() - interval '30 days';
    delete from stockroom.sign_in_links where expires_at < now() - interval '30 days';
    delete from stockroom.sessions where expires_at < now() - interval '30 days';
    delete from stockroom.known_browsers where last_used_at < now() - interval '180 days';
    delete from stockroom.half_sessions where expires_at < now();
    delete from stockroom.challenges where expires_at < now();
$$;

-- ---------------------------------------------------------------- signing in with a password

-- Seconds until a stranger's next attempt is allowed, 0 for now. The limits in any 15 minutes: 5 wrong passwords for an account
-- since its last sign-in, 30 from an address. Attempts of trusted browsers count for neither.
create function stockroom_api.sign_in_wait(_email text, _address text) returns int
    language plpgsql stable as $$
declare
    _window interval := interval '15 minutes';
    _free_at timestamptz := (
        select max(free_at) from (
            (select a.at + _window as free_at from stockroom.sign_in_attempts a
              where a.email = _email and a.browser is null and not a.succeeded and a.at > clock_timestamp() - _window
                and a.at > coalesce((select max(s.at) from stockroom.sign_in_attempts s
                                      where s.email = _email and s.browser is null and s.succeeded), '-infinity')
              order by a.at desc offset 4 limit 1)
            union all
            (select a.at + _window from stockroom.sign_in_attempts a
              where a.address = _address and a.browser is null and not a.succeeded and a.at > clock_timestamp() - _window
              order by a.at desc offset 29 limit 1)) limits);
begin
    return greatest(0, ceil(extract(epoch from _free_at - clock_timestamp())))::int;
end $$;

-- Begin an attempt: return its id, or how long to wait. It counts as wrong until it is finished, so a hundred guesses at once count
-- as a hundred.
create function stockroom_api.begin_attempt(_email text, _address text, _browser bytea)
    returns table (wait_seconds int, attempt_id bigint)
    language plpgsql set lock_timeout = '3s' as $$
declare
    _is_trusted boolean := stockroom_api.is_trusted_browser(_browser, _email);
begin
    wait_seconds := 0;
    if not _is_trusted then
        -- Always the browser first, then the address, then the account, so that no two transactions deadlock.
        perform pg_advisory_xact_lock(730502, hashtext('address ' || _address));
        perform pg_advisory_xact_lock(730502, hashtext('account ' || _email));
        wait_seconds := stockroom_api.sign_in_wait(_email, _address);
    end if;
    if wait_seconds = 0 then
        insert into stockroom.sign_in_attempts (email, address, at, succeeded, browser)
        values (_email, _address, clock_timestamp(), false, case when _is_trusted then _browser end)
        returning id into attempt_id;
    end if;
    return next;
end $$;

-- Begin an attempt with a password: return how long to wait, or the hash that the password must match. An unknown or deactivated
-- account looks like one without a password.
create function stockroom_api.begin_sign_in(_email text, _address text, _browser bytea)
    returns table (wait_seconds int, attempt_id bigint, user_id bigint, password_hash text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
    select a.wait_seconds, a.attempt_id into wait_seconds, attempt_id from stockroom_api.begin_attempt(_email, _address, _browser) a;
    if wait_seconds = 0 then
        select u.id, u.password_hash into user_id, password_hash
          from stockroom.users u where u.email = _email and u.is_active;
    end if;
    return next;
end $$;

-- Begin the session, or half session, of an attempt whose password was right. No row when the account was deactivated or got
-- another password in the meantime. `_new_hash` replaces a hash that was made with weaker parameters than the current ones.
create function stockroom_api.finish_sign_in(
    _attempt_id bigint, _user_id bigint, _password_hash text, _new_hash text,
    _token_hash bytea, _user_agent text, _previous bytea
) returns table (expires_at timestamptz, step text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update stockroom.users set password_hash = coalesce(_new_hash, password_hash)
     where id = _user_id and is_active and password_hash = _password_hash;
    if found then
        return query select * from stockroom_api.enter(_user_id, _attempt_id, _token_hash, _user_agent, _previous);
    end if;
end $$;

-- ---------------------------------------------------------------- one-time links

-- End a person's unused links.
create function stockroom_api.end_links(_for bigint) returns void
    language sql as $$
    update stockroom.sign_in_links set expires_at = now() where user_id = _for and used_at is null and expires_at > now();
$$;

-- The admin whom the link of the first start signs in, created if the shop has none. Null once an admin has a password.
create function stockroom_api.first_admin() returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _id bigint;
begin
    lock table stockroom.users in share row exclusive mode;  -- two servers may start at once: one admin
    if exists (select from stockroom.users where role = 'admin' and is_active and password_hash is not null) then
        return null;
    end if;
    select id into _id from stockroom.users where role = 'admin' and is_active order by id limit 1;
    if _id is null then
        insert into stockroom.users (email, name, role) values ('admin@localhost', 'Admin', 'admin')
        on conflict (email) do update set is_active = true, role = 'admin'
        returning id into _id;
        perform stockroom_api.note_change(null, 'Command line', 'person_added', stockroom_api.person_called(_id), null,
            '{"role": "admin"}');
    end if;
    return _id;
end $$;

-- ---------------------------------------------------------------- a person's own account

-- The shop's name, null while it has none. People must not choose it as a password.
create function stockroom_api.shop_name() returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select name from stockroom.shop;
$$;

-- Refuse an email address that belongs to anyone other than `_for`.
create function stockroom_api.refuse_taken_email(_for bigint, _email text) returns void
    language plpgsql as $$
begin
    if exists (select from stockroom.users where email = _email and id is distinct from _for) then
        perform stockroom_api.refuse_value('email', 'already belongs to another account');
    end if;
end $$;

-- Replace a person's own password `_known_hash`, proven by attempt `_attempt_id` (both null: there was no password yet), and
-- sign out their other browsers. An admin who had no password (the first start) also sets name and email. Nobody else sets
-- their own name, because movements show it. Refuses: SK008, SK009, SK010.
create function stockroom_api.set_own_password(
    _user_id bigint, _session_id bigint, _roles text[], _name text,
    _attempt_id bigint, _known_hash text, _new_hash text, _new_name text, _new_email text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before jsonb := (select jsonb_build_object('name', name, 'email', email) from stockroom.users where id = _user_id);
begin
    perform stockroom_api.refuse_taken_email(_user_id, _new_email);
    update stockroom.users set
        password_hash = _new_hash,
        name = case when role = 'admin' and password_hash is null then coalesce(_new_name, name) else name end,
        email = case when role = 'admin' and password_hash is null then coalesce(_new_email, email) else email end
     where id = _user_id and password_hash is not distinct from _known_hash;
    if not found then
        perform stockroom_api.refuse_value('password', 'was changed in the meantime');
    end if;
    update stockroom.sign_in_attempts set succeeded = true where id = _attempt_id;
    perform stockroom_api.end_links(_user_id);
    perform stockroom_api.end_other_sessions(_user_id, _session_id);
    perform stockroom_api.end_half_sessions(_user_id, null);
    perform stockroom_api.note_change(_user_id, _performed_by, 'person_named', stockroom_api.person_called(_user_id), _before,
        (select jsonb_build_object('name', name, 'email', email) from stockroom.users where id = _user_id));
    perform stockroom_api.note_change(_user_id, _performed_by, 'password_set', stockroom_api.person_called(_user_id));
end $$;

-- A person's own open sessions, newest first. Refuses: SK010.
create function stockroom_api.own_sessions(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (user_agent text, created_at timestamptz, expires_at timestamptz, is_this_one boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select s.user_agent, s.created_at, s.expires_at, s.id = _session_id
          from stockroom.sessions s
         where s.user_id = _user_id and s.revoked_at is null and s.expires_at > now()
         order by s.created_at desc, s.id desc;
end $$;

-- Sign a person out of every browser, forget these, and end their unused links. Returns how many sessions ended.
create function stockroom_api.sign_out_everywhere(_for bigint) returns int
    language plpgsql as $$
begin
    perform stockroom_api.end_links(_for);
    perform stockroom_api.forget_browsers(_for);
    perform stockroom_api.end_half_sessions(_for, null);
    return stockroom_api.end_other_sessions(_for, null);
end $$;

-- The same for an actor, recorded as a change. Refuses: SK009, SK010.
create function stockroom_api.end_sessions(_user_id bigint, _session_id bigint, _roles text[], _name text, _for bigint)
    returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _ended int := stockroom_api.sign_out_everywhere(_for);
begin
    perform stockroom_api.note_change(_user_id, _performed_by, 'signed_out', stockroom_api.person_called(_for),
        jsonb_build_object('browsers', _ended), '{"browsers": 0}');
    return _ended;
end $$;

grant execute on function
    stockroom_api.find_session(bytea),
    stockroom_api.sign_out(bytea),
    stockroom_api.begin_sign_in(text, text, bytea),
    stockroom_api.finish_sign_in(bigint, bigint, text, text, bytea, text, bytea),
    stockroom_api.first_admin(),
    stockroom_api.shop_name(),
    stockroom_api.set_own_password(bigint, bigint, text[], text, bigint, text, text, text, text),
    stockroom_api.own_sessions(bigint, bigint, text[], text),
    stockroom_api.end_sessions(bigint, bigint, text[], text, bigint)
    to stockroom_app;
