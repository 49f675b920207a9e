-- One-time links for people who have no password: one that an admin makes ends the earlier ones; those that starts print until an
-- admin has a password live beside each other, and the first that is used ends the others (`use_link`).

-- Lock a person who gets a link, and return who makes it. Refuses: SK008, SK009, SK010.
create function stockroom_api.begin_link(_user_id bigint, _session_id bigint, _roles text[], _name text, _for bigint) returns text
    language plpgsql as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
begin
    perform from stockroom.users where id = _for and is_active for update;
    if not found then
        perform stockroom_api.refuse_value('person', 'is not active');
    end if;
    return _performed_by;
end $$;

-- Store a link and record it. Returns when it expires.
create function stockroom_api.put_link(_user_id bigint, _performed_by text, _for bigint, _link_hash bytea, _life interval)
    returns timestamptz
    language plpgsql as $$
begin
    insert into stockroom.sign_in_links (token_hash, user_id, expires_at) values (_link_hash, _for, now() + _life);
    perform stockroom_api.note_change(_user_id, _performed_by, 'link_made', stockroom_api.person_called(_for), null,
        jsonb_build_object('expires_at', now() + _life));
    return now() + _life;
end $$;

-- Create a link for a person; their earlier links end. Refuses: SK008, SK009, SK010.
create function stockroom_api.make_link(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _for bigint, _link_hash bytea, _life interval
) returns timestamptz
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.begin_link(_user_id, _session_id, _roles, _name, _for);
begin
    perform stockroom_api.end_links(_for);
    return stockroom_api.put_link(_user_id, _performed_by, _for, _link_hash, _life);
end $$;

-- Create a link for a person beside the earlier ones, of which the newest four stay. Refuses: SK008, SK009, SK010.
create function stockroom_api.add_link(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _for bigint, _link_hash bytea, _life interval
) returns timestamptz
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.begin_link(_user_id, _session_id, _roles, _name, _for);
begin
    update stockroom.sign_in_links set expires_at = now()
     where token_hash in (select l.token_hash from stockroom.sign_in_links l
                           where l.user_id = _for and l.used_at is null and l.expires_at > now()
                           order by l.expires_at desc offset 4);
    return stockroom_api.put_link(_user_id, _performed_by, _for, _link_hash, _life);
end $$;

-- The person whom a link would sign in; no row when it is unknown, used or expired. The link stays usable.
create function stockroom_api.find_link(_link_hash bytea) returns table (name text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.name
      from stockroom.sign_in_links l
      join stockroom.users u on u.id = l.user_id
     where l.token_hash = _link_hash and l.used_at is null and l.expires_at > now() and u.is_active;
$$;

-- Begin a session, or half session, with a link and use the link up; the person's other links end. No row when it is unknown, used
-- or expired; of two at once, one gets a session.
create function stockroom_api.use_link(_link_hash bytea, _token_hash bytea, _user_agent text, _previous bytea)
    returns table (expires_at timestamptz, step text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _user_id bigint;
begin
    -- The person first, as where links are made: of two links used at once, one is used up and ends the other.
    perform from stockroom.users u
      where u.id = (select l.user_id from stockroom.sign_in_links l where l.token_hash = _link_hash) for update;
    update stockroom.sign_in_links l set used_at = now()
      from stockroom.users u
     where l.token_hash = _link_hash and l.used_at is null and l.expires_at > now() and u.id = l.user_id and u.is_active
    returning u.id into _user_id;
    if _user_id is not null then
        perform stockroom_api.end_links(_user_id);
        return query select * from stockroom_api.enter(_user_id, null, _token_hash, _user_agent, _previous);
    end if;
end $$;

grant execute on function
    stockroom_api.make_link(bigint, bigint, text[], text, bigint, bytea, interval),
    stockroom_api.add_link(bigint, bigint, text[], text, bigint, bytea, interval),
    stockroom_api.find_link(bytea),
    stockroom_api.use_link(bytea, bytea, text, bytea)
    to stockroom_app;
