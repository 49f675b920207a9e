-- Passkeys: setting one up, and giving one as the second step or in place of password and code. A challenge is kept as its sha256, for
-- five minutes, with what it is for and the token of the browser that got it; it is used once.

-- Keep a challenge for a purpose: `register`, `second` or `alone`. For the first two, return the person behind the token and their
-- passkeys. A person who has a factor already proves themselves to add one, as `accept_proof` says. Refuses: SK008, SK010.
create function stockroom_api.begin_passkey(
    _challenge_hash bytea, _purpose text, _token_hash bytea, _attempt_id bigint, _known_hash text, _at_step bigint, _code_hash bytea
) returns table (user_id bigint, email text, name text, credentials bytea[])
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _steps text[] := case _purpose when 'register' then '{in,enrol}'::text[] else '{code}' end;
begin
    if _purpose <> 'alone' then
        select p.user_id, p.email, p.name into user_id, email, name from stockroom_api.hold_person(_token_hash, _steps) p;
        if _purpose = 'register' and stockroom_api.has_factor(user_id) then
            perform stockroom_api.accept_proof(user_id, _attempt_id, _known_hash, _at_step, _code_hash);
        end if;
        credentials := array(select k.credential_id from stockroom.passkeys k where k.user_id = begin_passkey.user_id order by k.id);
    end if;
    delete from stockroom.challenges where expires_at < now();
    insert into stockroom.challenges (token_hash, facts, expires_at)
    values (_challenge_hash, jsonb_build_object('purpose', _purpose, 'token', encode(_token_hash, 'hex')), now() + interval '5 minutes');
    return next;
end $$;

-- Use up a challenge: whether it was given to this browser for this purpose.
create function stockroom_api.take_challenge(_challenge_hash bytea, _purpose text, _token_hash bytea) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _facts jsonb;
begin
    delete from stockroom.challenges where token_hash = _challenge_hash and expires_at > now() returning facts into _facts;
    return coalesce(_facts ->> 'purpose' = _purpose and _facts ->> 'token' is not distinct from encode(_token_hash, 'hex'), false);
end $$;

-- The public key and the count of a passkey; no row for one that nobody active has.
create function stockroom_api.find_passkey(_credential_id bytea) returns table (public_key bytea, sign_count bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select k.public_key, k.sign_count from stockroom.passkeys k join stockroom.users u on u.id = k.user_id
     where k.credential_id = _credential_id and u.is_active;
$$;

-- Add a passkey to the person behind a token. Returns as `confirm_app`. Refuses: SK008 (it is known already), SK010.
create function stockroom_api.add_passkey(
    _token_hash bytea, _credential_id bytea, _public_key bytea, _sign_count bigint, _called text, _code_hashes bytea[],
    _new_token bytea, _user_agent text, _previous bytea
) returns table (is_first boolean, expires_at timestamptz)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _person record;
begin
    select * into _person from stockroom_api.hold_person(_token_hash, '{in,enrol}');
    is_first := not stockroom_api.has_factor(_person.user_id);
    insert into stockroom.passkeys (user_id, credential_id, public_key, sign_count, name)
    values (_person.user_id, _credential_id, _public_key, _sign_count, _called)
    on conflict (credential_id) do nothing;
    if not found then
        perform stockroom_api.refuse_value('passkey', 'is known already');
    elsif 20 < (select count(*) from stockroom.passkeys k where k.user_id = _person.user_id) then
        perform stockroom_api.refuse_value('passkey', 'is one too many; remove one of the twenty first');
    end if;
    expires_at := stockroom_api.begin_factor(_person, _called, is_first, _code_hashes, _token_hash, _new_token, _user_agent, _previous);
    return next;
end $$;

-- Begin a session with a passkey whose signature was right: of the person of a half session, or, without one, of its owner. Null when
-- its count did not grow, as for a copy or a repeated answer; devices that do not count always say 0. Refuses: SK010.
create function stockroom_api.finish_passkey(
    _half_hash bytea, _credential_id bytea, _sign_count bigint, _new_token bytea, _user_agent text, _previous bytea
) returns timestamptz
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _person bigint;
begin
    if _half_hash is not null then
        _person := (select p.user_id from stockroom_api.hold_person(_half_hash, '{code}') p);
    else
        select u.id into _person from stockroom.users u
         where u.is_active and u.id = (select k.user_id from stockroom.passkeys k where k.credential_id = _credential_id)
           for no key update;
    end if;
    update stockroom.passkeys set sign_count = _sign_count, last_used_at = now()
     where user_id = _person and credential_id = _credential_id and (sign_count < _sign_count or _sign_count + sign_count = 0);
    return case when found
        then stockroom_api.complete(_person, _half_hash, null, _new_token, _user_agent, _previous) end;
end $$;

-- A signed-in person's own passkeys, oldest first; none where the token is not of a session.
create function stockroom_api.own_passkeys(_token_hash bytea)
    returns table (passkey_id bigint, name text, created_at timestamptz, last_used_at timestamptz)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select k.id, k.name, k.created_at, k.last_used_at from stockroom.passkeys k
     where k.user_id = (select p.user_id from stockroom_api.person_at(_token_hash) p where p.step = 'in') order by k.id;
$$;

grant execute on function
    stockroom_api.begin_passkey(bytea, text, bytea, bigint, text, bigint, bytea),
    stockroom_api.take_challenge(bytea, text, bytea),
    stockroom_api.find_passkey(bytea),
    stockroom_api.add_passkey(bytea, bytea, bytea, bigint, text, bytea[], bytea, text, bytea),
    stockroom_api.finish_passkey(bytea, bytea, bigint, bytea, text, bytea),
    stockroom_api.own_passkeys(bytea)
    to stockroom_app;
