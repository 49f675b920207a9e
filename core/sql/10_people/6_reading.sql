-- The language and the format in which people read pages.

-- The shop's language and format, for pages before anybody has signed in.
create function stockroom_api.shop_reading() returns table (language text, format text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select language, format from stockroom.shop;
$$;

-- A person's own choice, null where they leave it to the shop. Refuses: SK010.
create function stockroom_api.own_reading(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (language text, format text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query select u.language, u.format from stockroom.users u where u.id = _user_id;
end $$;

-- Choose a person's own language and format; null leaves it to the shop. Refuses: SK010.
create function stockroom_api.set_own_reading(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _language text, _format text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before stockroom.users;
begin
    select * into strict _before from stockroom.users where id = _user_id for no key update;
    update stockroom.users set language = _language, format = _format where id = _user_id;
    perform stockroom_api.note_change(_user_id, _performed_by, 'reading_set', stockroom_api.person_called(_user_id),
        jsonb_build_object('language', _before.language, 'format', _before.format),
        jsonb_build_object('language', _language, 'format', _format));
end $$;

-- Choose the language and format of everybody who has not chosen their own. Refuses: SK009, SK010.
create function stockroom_api.set_shop_reading(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _language text, _format text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _before stockroom.shop;
begin
    select * into strict _before from stockroom.shop for no key update;
    update stockroom.shop set language = _language, format = _format;
    perform stockroom_api.note_change(_user_id, _performed_by, 'reading_set', _before.name,
        jsonb_build_object('language', _before.language, 'format', _before.format),
        jsonb_build_object('language', _language, 'format', _format));
end $$;

grant execute on function
    stockroom_api.shop_reading(),
    stockroom_api.own_reading(bigint, bigint, text[], text),
    stockroom_api.set_own_reading(bigint, bigint, text[], text, text, text),
    stockroom_api.set_shop_reading(bigint, bigint, text[], text, text, text)
    to stockroom_app;
