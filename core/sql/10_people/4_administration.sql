-- Accounts as admins manage them: who has one, in which role, and whether it is active.

-- Everybody with an account, active accounts first. Refuses: SK009, SK010.
create function stockroom_api.list_people(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (user_id bigint, email text, name text, role text, is_active boolean, has_password boolean,
                   created_at timestamptz, last_signed_in_at timestamptz, open_sessions int, has_factor boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select u.id, u.email, u.name, u.role, u.is_active, u.password_hash is not null, u.created_at,
               max(s.created_at),
               (count(s.id) filter (where s.revoked_at is null and s.expires_at > now()))::int,
               stockroom_api.has_factor(u.id)
          from stockroom.users u
          left join stockroom.sessions s on s.user_id = u.id
         group by u.id
         order by u.is_active desc, lower(u.name), u.id;
end $$;

-- Add a person. Refuses: SK008 (the email address is taken), SK009, SK010.
create function stockroom_api.add_person(
    _user_id bigint, _session_id bigint, _roles text[], _name text,
    _email text, _new_name text, _role text, _password_hash text
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _id bigint;
begin
    insert into stockroom.users (email, name, role, password_hash) values (_email, _new_name, _role, _password_hash)
    on conflict (email) do nothing
    returning id into _id;
    if _id is null then
        perform stockroom_api.refuse_taken_email(null, _email);
    end if;
    perform stockroom_api.note_change(_user_id, _performed_by, 'person_added', stockroom_api.person_called(_id), null,
        jsonb_build_object('role', _role));
    return _id;
end $$;

-- Refuse to lose the last active admin: nobody could manage accounts any more. Locks the admins, so that of two who demote
-- each other at once, one is refused.
create function stockroom_api.refuse_last_admin(_for bigint) returns void
    language plpgsql as $$
begin
    perform from stockroom.users where role = 'admin' and is_active order by id for update;
    if exists (select from stockroom.users where id = _for and role = 'admin' and is_active)
       and not exists (select from stockroom.users where id <> _for and role = 'admin' and is_active) then
        perform stockroom_api.refuse_value('person', 'is the last active admin; make somebody else an admin first');
    end if;
end $$;

-- Change a person's role, or whether the account is active; null changes nothing. Deactivating ends their sessions and links. In a
-- role that needs a second factor, a person without one is signed out.
-- Refuses: SK008 (no such account, the last admin).
create function stockroom_api.change_person(
    _user_id bigint, _performed_by text, _for bigint, _role text, _active boolean
) returns void
    language plpgsql as $$
declare
    _before jsonb;
begin
    if _role <> 'admin' or not _active then
        perform stockroom_api.refuse_last_admin(_for);
    end if;
    select jsonb_build_object('role', role, 'is_active', is_active) into _before
      from stockroom.users where id = _for for no key update;
    if not found then
        perform stockroom_api.refuse_value('person', 'has no account here');
    end if;
    if not _active then
        perform stockroom_api.sign_out_everywhere(_for);
    end if;
    update stockroom.users set role = coalesce(_role, role), is_active = coalesce(_active, is_active) where id = _for;
    if stockroom_api.role_needs_factor(_for) and not stockroom_api.has_factor(_for) then
        perform stockroom_api.end_other_sessions(_for, null);
    end if;
    perform stockroom_api.note_change(_user_id, _performed_by,
        case when _active then 'person_activated' when not _active then 'person_deactivated' else 'role_changed' end,
        stockroom_api.person_called(_for), _before,
        (select jsonb_build_object('role', role, 'is_active', is_active) from stockroom.users where id = _for));
end $$;

-- Give a person another role, from their next operation on. Refuses: SK008 (no such account, the last admin), SK009, SK010.
create function stockroom_api.set_role(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _for bigint, _role text
) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    select stockroom_api.change_person(_user_id, stockroom_api.require(_user_id, _session_id, _roles, _name), _for, _role, null);
$$;

-- Activate an account, or deactivate it at once. Refuses: as set_role.
create function stockroom_api.set_active(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _for bigint, _active boolean
) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    select stockroom_api.change_person(_user_id, stockroom_api.require(_user_id, _session_id, _roles, _name), _for, null, _active);
$$;

grant execute on function
    stockroom_api.list_people(bigint, bigint, text[], text),
    stockroom_api.add_person(bigint, bigint, text[], text, text, text, text, text),
    stockroom_api.set_role(bigint, bigint, text[], text, bigint, text),
    stockroom_api.set_active(bigint, bigint, text[], text, bigint, boolean)
    to stockroom_app;
