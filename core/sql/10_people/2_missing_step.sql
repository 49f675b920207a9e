-- What a person still has to do after a right password or link, before a session begins.

-- Whether a person has a second factor: a confirmed authenticator app, or a passkey.
create function stockroom_api.has_factor(_for bigint) returns boolean
    language sql stable as $$
    select exists (select from stockroom.authenticators a where a.user_id = _for and a.confirmed_at is not null)
        or exists (select from stockroom.passkeys p where p.user_id = _for);
$$;

-- Whether the role of a person needs a second factor. A change of the rule of this role waits for the end of this transaction,
-- and then sees what it did.
create function stockroom_api.role_needs_factor(_for bigint) returns boolean
    language sql volatile as $$
    select r.is_needed from stockroom.factor_rules r
     where r.role = (select u.role from stockroom.users u where u.id = _for) for share;
$$;

-- The step that is missing: the code of a second factor, or setting one up; null for none.
create function stockroom_api.missing_step(_for bigint) returns text
    language plpgsql volatile as $$
declare
    _is_needed boolean := stockroom_api.role_needs_factor(_for);
begin
    return case when stockroom_api.has_factor(_for) then 'code' when _is_needed then 'enrol' end;
end $$;

-- End the half sessions of a person, but for the one with `_but`.
create function stockroom_api.end_half_sessions(_for bigint, _but bytea) returns void
    language sql as $$
    delete from stockroom.half_sessions where user_id = _for and token_hash is distinct from _but;
$$;

-- Sign a person out of every browser, but for one session. Returns how many sessions ended.
create function stockroom_api.end_other_sessions(_for bigint, _but bigint) returns int
    language plpgsql as $$
declare
    _ended int;
begin
    update stockroom.sessions set revoked_at = now()
     where user_id = _for and id is distinct from _but and revoked_at is null and expires_at > now();
    get diagnostics _ended = row_count;
    return _ended;
end $$;
