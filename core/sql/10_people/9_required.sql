-- Roles whose people need a second factor, and the factors of others.

-- End the sessions of everybody in a role who lacks a second factor: they set one up when they sign in again.
create function stockroom_api.end_sessions_without_factor(_role text) returns void
    language sql as $$
    update stockroom.sessions s set revoked_at = now()
      from stockroom.users u
     where u.id = s.user_id and u.role = _role and s.revoked_at is null and s.expires_at > now()
       and not stockroom_api.has_factor(u.id);
$$;

-- Require a second factor of a role, or no longer. People of that role who have none are signed out. An admin needs one first to
-- require one of admins. Refuses: SK008, SK009, SK010.
create function stockroom_api.set_factor_rule(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _role text, _needed boolean
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before jsonb;
begin
    select jsonb_build_object('is_needed', r.is_needed) into _before from stockroom.factor_rules r where r.role = _role for update;
    if not found then
        perform stockroom_api.refuse_value('role', 'is not one of this shop');
    end if;
    if _needed and _role = (select u.role from stockroom.users u where u.id = _user_id) and not stockroom_api.has_factor(_user_id) then
        perform stockroom_api.refuse_value('own second factor', 'is missing; set it up first under Your account');
    end if;
    update stockroom.factor_rules set is_needed = _needed where role = _role;
    if _needed then
        perform stockroom_api.end_sessions_without_factor(_role);
    end if;
    perform stockroom_api.note_change(_user_id, _who, 'factor_rule', _role, _before, jsonb_build_object('is_needed', _needed));
end $$;

-- Each role: whether it needs a second factor, and how many of its active people have none. Refuses: SK009, SK010.
create function stockroom_api.factor_rules(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (role text, is_needed boolean, people int, without int)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select r.role, r.is_needed, count(u.id)::int, (count(u.id) filter (where not stockroom_api.has_factor(u.id)))::int
          from stockroom.factor_rules r
          left join stockroom.users u on u.role = r.role and u.is_active
         group by r.role, r.is_needed
         order by array_position(array['warehouse', 'support', 'manager', 'admin'], r.role);
end $$;

-- Remove all second factors of a person who lost them, with the recovery codes, and sign them out everywhere. With `_title` they get
-- a mail. Nobody removes their own this way. Refuses: SK008, SK009, SK010.
create function stockroom_api.remove_factors(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _for bigint, _title text, _body text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _email text;
    _factors jsonb;
begin
    if _for = _user_id then
        perform stockroom_api.refuse_value('person', 'is you; remove your own second factor under Your account');
    end if;
    select u.email into _email from stockroom.users u where u.id = _for for no key update;
    if not found then
        perform stockroom_api.refuse_value('person', 'has no account here');
    elsif not stockroom_api.has_factor(_for) then
        perform stockroom_api.refuse_value('person', 'has no second factor');
    end if;
    _factors := (select jsonb_agg(f.name order by f.name) from (
        select 'app' as name from stockroom.authenticators a where a.user_id = _for and a.confirmed_at is not null
        union all select p.name from stockroom.passkeys p where p.user_id = _for) f);
    delete from stockroom.authenticators where user_id = _for;
    delete from stockroom.passkeys where user_id = _for;
    perform stockroom_api.put_codes(_for, '{}');
    perform stockroom_api.sign_out_everywhere(_for);
    perform stockroom_api.note_change(_user_id, _who, 'factor_removed', stockroom_api.person_called(_for),
        jsonb_build_object('factor', _factors));
    if _title is not null then
        insert into stockroom.deliveries (key, kind, destination, recipient, title, body)
        values ('account:' || gen_random_uuid(), 'account', 'orders', _email, _title, _body);
    end if;
end $$;

grant execute on function
    stockroom_api.set_factor_rule(bigint, bigint, text[], text, text, boolean),
    stockroom_api.factor_rules(bigint, bigint, text[], text),
    stockroom_api.remove_factors(bigint, bigint, text[], text, bigint, text, text)
    to stockroom_app;
