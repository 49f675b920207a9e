-- Refusals, and the check of session and role. Every other file uses these.

-- Refuse with a SQLSTATE of class SK and a sentence. `_facts` are sent as JSON in the error's DETAIL. The classes that they
-- become are in core/foundation/errors.py.
create function stockroom_api.refuse(_code text, _message text, _facts jsonb default '{}') returns void
    language plpgsql as $$
begin
    raise exception using errcode = _code, message = _message, detail = _facts::text;
end $$;

-- Refuse a value: its name, and what is wrong with it, to be read after the name. Like `invalid` in core/foundation/errors.py.
create function stockroom_api.refuse_value(_field text, _why text, _facts jsonb default '{}') returns void
    language plpgsql as $$
begin
    perform stockroom_api.refuse('SK008', upper(left(_field, 1)) || substr(_field, 2) || ' ' || _why || '.',
        jsonb_build_object('field', _field, 'why', _why) || _facts);
end $$;

-- The name of the person who acts, after a check: session neither revoked nor expired, account active, role among `_roles`.
-- Without a user the actor is the shop itself (command line, import), trusted by its database credentials and called `_name`.
create function stockroom_api.require(_user_id bigint, _session_id bigint, _roles text[], _name text) returns text
    language plpgsql stable as $$
declare
    _found record;
begin
    if _user_id is null then
        return _name;
    end if;
    select u.name, u.role, u.is_active,
           s.id is not null and s.revoked_at is null and s.expires_at > now() as signed_in
      into _found
      from stockroom.users u
      left join stockroom.sessions s on s.user_id = u.id and s.id = _session_id
     where u.id = _user_id;
    if not found or not _found.signed_in or not _found.is_active then
        perform stockroom_api.refuse('SK010', 'Your session has ended.', jsonb_build_object('actor', _name));
    end if;
    if not _found.role = any (_roles) then
        perform stockroom_api.refuse('SK009', 'Your role does not allow this.',
            jsonb_build_object('actor', _found.name, 'role', _found.role, 'needs', to_jsonb(_roles)));
    end if;
    return _found.name;
end $$;

-- Whether something that happens once in `_every` is due, and note that it happens now. Of two callers at once, one gets true.
create function stockroom_api.is_time(_name text, _every interval) returns boolean
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    with noted as (
        insert into stockroom.last_times as l (name, at) values (_name, now())
        on conflict (name) do update set at = excluded.at where l.at <= excluded.at - _every
        returning 1
    )
    select exists (select from noted);
$$;

grant execute on function stockroom_api.is_time(text, interval) to stockroom_app;

-- Refuse to mix a shop's own catalogue with the sample data, unless the caller asks for it.
create function stockroom_api.refuse_sample_shop(_into_sample boolean) returns void
    language plpgsql as $$
begin
    if not _into_sample and (select is_sample from stockroom.shop) then
        perform stockroom_api.refuse('SK008', 'This shop holds the sample data, which cannot be deleted from its ledger. '
            'An admin starts with an empty shop on Overview, *Start my own shop*. Then import again.',
            '{"field": "shop", "why": "holds the sample data", "is_sample": true}');
    end if;
end $$;
