-- Second factors: authenticator apps and recovery codes, and proving them. Tokens and recovery codes arrive here only as their sha256.

-- The person behind a token and the step at which they are: `in` for a session, else the step that a half session lacks. No row
-- where the token is of neither, or has ended.
create function stockroom_api.person_at(_token_hash bytea)
    returns table (user_id bigint, email text, name text, step text, session_id bigint)
    language sql stable as $$
    select u.id, u.email, u.name, coalesce(h.step, 'in'), s.id
      from stockroom.users u
      left join stockroom.sessions s
        on s.token_hash = _token_hash and s.user_id = u.id and s.revoked_at is null and s.expires_at > now()
      left join stockroom.half_sessions h on h.token_hash = _token_hash and h.user_id = u.id and h.expires_at > now()
     where u.is_active and (s.id is not null or h.token_hash is not null)
       and u.id in (select s.user_id from stockroom.sessions s where s.token_hash = _token_hash
                    union all select h.user_id from stockroom.half_sessions h where h.token_hash = _token_hash);
$$;

-- The same for a change, with the person locked. Refuses: SK010 where the token has ended, or is not at one of `_steps`.
create function stockroom_api.hold_person(_token_hash bytea, _steps text[])
    returns table (user_id bigint, email text, name text, step text, session_id bigint)
    language plpgsql as $$
begin
    perform from stockroom.users u where u.id = (select p.user_id from stockroom_api.person_at(_token_hash) p) for no key update;
    select p.* into user_id, email, name, step, session_id from stockroom_api.person_at(_token_hash) p where p.step = any (_steps);
    if not found then
        perform stockroom_api.refuse('SK010', 'Your session has ended.');
    end if;
    return next;
end $$;

-- What the pages of the second step show about the person behind a token; no row when it has ended.
create function stockroom_api.second_step(_token_hash bytea)
    returns table (email text, name text, step text, has_password boolean, has_app boolean, passkeys int, codes_left int,
                   is_needed boolean)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select p.email, p.name, p.step, u.password_hash is not null,
           exists (select from stockroom.authenticators a where a.user_id = u.id and a.confirmed_at is not null),
           (select count(*) from stockroom.passkeys k where k.user_id = u.id)::int,
           (select count(*) from stockroom.recovery_codes c where c.user_id = u.id and c.used_at is null)::int,
           (select r.is_needed from stockroom.factor_rules r where r.role = u.role)
      from stockroom_api.person_at(_token_hash) p
      join stockroom.users u on u.id = p.user_id;
$$;

-- ---------------------------------------------------------------- proving a factor

-- Begin to prove a second factor. It counts as a wrong attempt of the account until it is finished, like a password; a half session
-- has five tries. Returns how long to wait, or the secret of the app. Refuses: SK010.
create function stockroom_api.begin_code(_token_hash bytea, _address text, _browser bytea)
    returns table (wait_seconds int, attempt_id bigint, secret text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _person record;
begin
    select * into _person from stockroom_api.person_at(_token_hash) p where p.step in ('in', 'code');
    if not found then
        perform stockroom_api.refuse('SK010', 'Your session has ended.');
    end if;
    select a.wait_seconds, a.attempt_id into wait_seconds, attempt_id
      from stockroom_api.begin_attempt(_person.email, _address, _browser) a;
    if wait_seconds = 0 then
        update stockroom.half_sessions h set tries = h.tries + 1 where h.token_hash = _token_hash;
        delete from stockroom.half_sessions h where h.token_hash = _token_hash and h.tries > 5;
        if found then
            perform stockroom_api.refuse('SK010', 'Your session has ended.');
        end if;
        select a.secret into secret from stockroom.authenticators a
         where a.user_id = _person.user_id and a.confirmed_at is not null;
    end if;
    return next;
end $$;

-- Use up what proves a person: the time step of their app's code, or a recovery code. Returns whether it was good: not used before.
create function stockroom_api.use_up(_for bigint, _at_step bigint, _code_hash bytea) returns boolean
    language plpgsql as $$
declare
    _who text := (select name from stockroom.users where id = _for);
begin
    if _at_step is not null then
        update stockroom.authenticators set last_step = _at_step
         where user_id = _for and confirmed_at is not null and last_step < _at_step;
    else
        update stockroom.recovery_codes set used_at = now() where user_id = _for and code_hash = _code_hash and used_at is null;
        if found then
            perform stockroom_api.note_change(_for, _who, 'recovery_used', stockroom_api.person_called(_for));
            return true;
        end if;
    end if;
    return found;
end $$;

-- Turn a half session into a session. The browser's session before it ends.
create function stockroom_api.complete(
    _person bigint, _half_hash bytea, _attempt_id bigint, _new_token bytea, _user_agent text, _previous bytea
) returns timestamptz
    language plpgsql as $$
begin
    delete from stockroom.half_sessions where token_hash = _half_hash;
    update stockroom.sign_in_attempts set succeeded = true where id = _attempt_id;
    return stockroom_api.open_session(_person, _new_token, _user_agent, _previous);
end $$;

-- Begin the session of a half session whose code was right; null when the code was used before. Refuses: SK010.
create function stockroom_api.finish_code(
    _half_hash bytea, _attempt_id bigint, _at_step bigint, _code_hash bytea, _new_token bytea, _user_agent text, _previous bytea
) returns timestamptz
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _person bigint := (select p.user_id from stockroom_api.hold_person(_half_hash, '{code}') p);
begin
    if not stockroom_api.use_up(_person, _at_step, _code_hash) then
        return null;
    end if;
    return stockroom_api.complete(_person, _half_hash, _attempt_id, _new_token, _user_agent, _previous);
end $$;

-- Refuse unless a signed-in person proved themselves again: by their password, the code of their app, or a recovery code.
create function stockroom_api.accept_proof(_for bigint, _attempt_id bigint, _known_hash text, _at_step bigint, _code_hash bytea)
    returns void
    language plpgsql as $$
begin
    if not coalesce((select password_hash = _known_hash from stockroom.users where id = _for), false)
       and not stockroom_api.use_up(_for, _at_step, _code_hash) then
        perform stockroom_api.refuse_value('password or code', 'is not right, or was used before');
    end if;
    update stockroom.sign_in_attempts set succeeded = true where id = _attempt_id;
end $$;

-- ---------------------------------------------------------------- a person's own factors

-- Replace the recovery codes of a person.
create function stockroom_api.put_codes(_for bigint, _code_hashes bytea[]) returns void
    language sql as $$
    delete from stockroom.recovery_codes where user_id = _for;
    insert into stockroom.recovery_codes (code_hash, user_id) select unnest(_code_hashes), _for;
$$;

-- Take the first second factor of a person into use: their other browsers are signed out, and an app that was begun without proof
-- begins again. A half session becomes a session; then
-- this returns when it ends, else null.
create function stockroom_api.begin_factor(
    _person record, _what text, _is_first boolean, _code_hashes bytea[], _token_hash bytea, _new_token bytea, _user_agent text,
    _previous bytea
) returns timestamptz
    language plpgsql as $$
declare
    _by bigint := _person.user_id;
    _who text := _person.name;
begin
    perform stockroom_api.note_change(_by, _who, 'factor_added', stockroom_api.person_called(_by), null,
        jsonb_build_object('factor', _what));
    if _is_first then
        delete from stockroom.authenticators where user_id = _person.user_id and confirmed_at is null;
        perform stockroom_api.put_codes(_person.user_id, _code_hashes);
        perform stockroom_api.end_other_sessions(_person.user_id, _person.session_id);
        perform stockroom_api.end_half_sessions(_person.user_id, _token_hash);
    end if;
    if _person.step = 'enrol' then
        return stockroom_api.complete(_person.user_id, _token_hash, null, _new_token, _user_agent, _previous);
    end if;
    return null;
end $$;

-- Under this name in the table of challenges a browser's session has proven itself to add an app.
create function stockroom_api.app_proof(_token_hash bytea) returns bytea
    language sql immutable as $$
    select sha256('app'::bytea || _token_hash);
$$;

-- Begin to set up an app: keep its secret, or return the one that was shown less than half an hour ago, so that two tabs show the
-- same. A person who has a factor already proves themselves first, as `accept_proof` says; that is valid in this browser for ten
-- minutes. Refuses: SK008 (there is one already, proof), SK010.
create function stockroom_api.begin_app(
    _token_hash bytea, _secret text, _attempt_id bigint, _known_hash text, _at_step bigint, _code_hash bytea
) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _person bigint := (select p.user_id from stockroom_api.hold_person(_token_hash, '{in,enrol}') p);
    _proof bytea := stockroom_api.app_proof(_token_hash);
    _kept stockroom.authenticators;
begin
    if exists (select from stockroom.authenticators a where a.user_id = _person and a.confirmed_at is not null) then
        perform stockroom_api.refuse_value('app', 'is set up already');
    end if;
    if stockroom_api.has_factor(_person)
       and not exists (select from stockroom.challenges c where c.token_hash = _proof and c.expires_at > now()) then
        perform stockroom_api.accept_proof(_person, _attempt_id, _known_hash, _at_step, _code_hash);
        insert into stockroom.challenges as c (token_hash, facts, expires_at)
        values (_proof, '{"purpose": "app"}', now() + interval '10 minutes')
        on conflict (token_hash) do update set expires_at = excluded.expires_at;
    end if;
    insert into stockroom.authenticators as a (user_id, secret) values (_person, _secret)
    on conflict (user_id) do update set secret = excluded.secret, created_at = now(), last_step = 0
        where a.confirmed_at is null and a.created_at < now() - interval '30 minutes';
    select * into _kept from stockroom.authenticators a where a.user_id = _person;
    return _kept.secret;
end $$;

-- Take an app into use, once a code of it was right. Returns whether it is the first factor, so that the recovery codes count, and
-- when the new session ends, null for a session that goes on. A browser that had to prove itself did so less than ten minutes ago.
-- Refuses: SK008 (another app or secret in the meantime, no proof), SK010.
create function stockroom_api.confirm_app(
    _token_hash bytea, _secret text, _at_step bigint, _code_hashes bytea[], _new_token bytea, _user_agent text, _previous bytea
) returns table (is_first boolean, expires_at timestamptz)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _person record;
begin
    select * into _person from stockroom_api.hold_person(_token_hash, '{in,enrol}');
    is_first := not stockroom_api.has_factor(_person.user_id);
    delete from stockroom.challenges c where c.token_hash = stockroom_api.app_proof(_token_hash) and c.expires_at > now();
    if not (is_first or found) then
        perform stockroom_api.refuse_value('password or code', 'was given too long ago; begin again');
    end if;
    update stockroom.authenticators set confirmed_at = now(), last_step = _at_step
     where user_id = _person.user_id and secret = _secret and confirmed_at is null;
    if not found then
        perform stockroom_api.refuse_value('app', 'was set up in the meantime; reload the page');
    end if;
    expires_at := stockroom_api.begin_factor(_person, 'app', is_first, _code_hashes, _token_hash, _new_token, _user_agent, _previous);
    return next;
end $$;

-- Remove a person's own app (`_passkey` null) or one of their passkeys, proven as `accept_proof` says. With the last factor the
-- recovery codes go. Refuses: SK008 (proof, no such factor, the role needs one), SK010.
create function stockroom_api.remove_own_factor(
    _token_hash bytea, _attempt_id bigint, _known_hash text, _at_step bigint, _code_hash bytea, _passkey bigint
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _by bigint;
    _who text;
    _removed text;
begin
    select p.user_id, p.name into _by, _who from stockroom_api.hold_person(_token_hash, '{in}') p;
    perform stockroom_api.accept_proof(_by, _attempt_id, _known_hash, _at_step, _code_hash);
    if _passkey is null then
        delete from stockroom.authenticators where user_id = _by returning 'app' into _removed;
    else
        delete from stockroom.passkeys where user_id = _by and id = _passkey returning name into _removed;
    end if;
    if _removed is null then
        perform stockroom_api.refuse_value('second factor', 'was removed in the meantime');
    elsif stockroom_api.role_needs_factor(_by) and not stockroom_api.has_factor(_by) then
        perform stockroom_api.refuse_value('second factor', 'is your only one, and your role needs one; set up another first');
    elsif not stockroom_api.has_factor(_by) then
        perform stockroom_api.put_codes(_by, '{}');
    end if;
    perform stockroom_api.note_change(_by, _who, 'factor_removed', stockroom_api.person_called(_by),
        jsonb_build_object('factor', _removed));
end $$;

-- Replace a person's own recovery codes, proven as `accept_proof` says. Refuses: SK008 (proof, no factor), SK010.
create function stockroom_api.renew_codes(
    _token_hash bytea, _attempt_id bigint, _known_hash text, _at_step bigint, _code_hash bytea, _code_hashes bytea[]
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _by bigint;
    _who text;
begin
    select p.user_id, p.name into _by, _who from stockroom_api.hold_person(_token_hash, '{in}') p;
    perform stockroom_api.accept_proof(_by, _attempt_id, _known_hash, _at_step, _code_hash);
    if not stockroom_api.has_factor(_by) then
        perform stockroom_api.refuse_value('second factor', 'was removed in the meantime');
    end if;
    perform stockroom_api.put_codes(_by, _code_hashes);
    perform stockroom_api.note_change(_by, _who, 'codes_renewed', stockroom_api.person_called(_by));
end $$;

grant execute on function
    stockroom_api.second_step(bytea),
    stockroom_api.begin_code(bytea, text, bytea),
    stockroom_api.finish_code(bytea, bigint, bigint, bytea, bytea, text, bytea),
    stockroom_api.begin_app(bytea, text, bigint, text, bigint, bytea),
    stockroom_api.confirm_app(bytea, text, bigint, bytea[], bytea, text, bytea),
    stockroom_api.remove_own_factor(bytea, bigint, text, bigint, bytea, bigint),
    stockroom_api.renew_codes(bytea, bigint, text, bigint, bytea, bytea[])
    to stockroom_app;
