-- Signing in at the shop's own identity provider. It never makes an account: it only says who of the people here somebody is.

-- Keep what a sign-in at the provider has to bring back, for ten minutes, under the sha256 of its state.
create function stockroom_api.begin_identity(_state_hash bytea, _facts jsonb) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from stockroom.challenges where expires_at < now();
    insert into stockroom.challenges (token_hash, facts, expires_at)
    values (_state_hash, _facts || '{"purpose": "identity"}', now() + interval '10 minutes');
$$;

-- What was kept under a state, once; null where it is unknown, used or old.
create function stockroom_api.take_identity(_state_hash bytea) returns jsonb
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _facts jsonb;
begin
    delete from stockroom.challenges
     where token_hash = _state_hash and facts ->> 'purpose' = 'identity' and expires_at > now()
    returning facts into _facts;
    return _facts;
end $$;

-- Begin a session, or half session, for the person whom a provider calls `_subject`. The first time, that is the active person with
-- this verified email address, unless they have another account at the provider already. Later the subject alone counts, because an
-- address may pass to another person. No row where nobody is found.
create function stockroom_api.enter_as(
    _issuer text, _subject text, _email text, _token_hash bytea, _user_agent text, _previous bytea
) returns table (expires_at timestamptz, step text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _known bigint := (select i.user_id from stockroom.identities i where i.issuer = _issuer and i.subject = _subject);
    _by bigint;
    _who text;
begin
    select u.id, u.name into _by, _who from stockroom.users u
     where u.is_active and case when _known is null then u.email = _email else u.id = _known end
       for no key update;
    if _by is null then
        return;
    end if;
    if _known is null then
        insert into stockroom.identities (issuer, subject, user_id) values (_issuer, _subject, _by) on conflict do nothing;
        if not found then
            return;
        end if;
        perform stockroom_api.note_change(_by, _who, 'identity_linked', stockroom_api.person_called(_by));
    end if;
    return query select * from stockroom_api.enter(_by, null, _token_hash, _user_agent, _previous);
end $$;

grant execute on function
    stockroom_api.begin_identity(bytea, jsonb),
    stockroom_api.take_identity(bytea),
    stockroom_api.enter_as(text, text, text, bytea, text, bytea)
    to stockroom_app;
