-- Saved views: a page with its query string under a name, private or shared; and the page on which a person begins.

-- Refuse an actor who is no person: a view belongs to somebody.
create function stockroom_api.refuse_nobody(_user_id bigint) returns void
    language plpgsql as $$
begin
    if _user_id is null then
        perform stockroom_api.refuse_value('view', 'belongs to a person, so a person has to be signed in');
    end if;
end $$;

-- Whether a person may see a view: it is their own, or shared.
create function stockroom_api.sees_view(_user_id bigint, _of stockroom.saved_views) returns boolean
    language sql stable
    return _of.owner_id = _user_id or _of.is_shared;

-- The views that a person sees, their own first. Refuses: SK009, SK010.
create function stockroom_api.list_saved_views(_user_id bigint, _session_id bigint, _roles text[], _name text)
    returns table (view_id bigint, name text, page text, query text, is_shared boolean, version int, owner text, is_own boolean,
                   is_start boolean, is_mailed boolean, updated_at timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select v.id, v.name, v.page, v.query, v.is_shared, v.version, u.name, v.owner_id = _user_id, t.view_id is not null,
               m.view_id is not null, v.updated_at
          from stockroom.saved_views v
          join stockroom.users u on u.id = v.owner_id
          left join stockroom.start_pages t on t.user_id = _user_id and t.view_id = v.id
          left join stockroom.subscribed_views m on m.user_id = _user_id and m.view_id = v.id
         where v.owner_id = _user_id or v.is_shared
         order by v.owner_id <> _user_id, lower(v.name), v.id;
end $$;

-- Save a view and return its id. The same view under the same name again is the first one. Refuses: SK008 (the name is taken, or
-- the person has a hundred views), SK009, SK010.
create function stockroom_api.save_view(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _title text, _page text, _query text, _is_shared boolean
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _id bigint;
begin
    perform stockroom_api.refuse_nobody(_user_id);
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    perform from stockroom.users where id = _user_id for no key update;
    select v.id into _id from stockroom.saved_views v
     where v.owner_id = _user_id and v.name = _title and v.page = _page and v.query = _query;
    if found then
        return _id;
    elsif (select count(*) from stockroom.saved_views v where v.owner_id = _user_id) >= 100 then
        perform stockroom_api.refuse_value('views', 'are at most 100 a person; delete one first');
    end if;
    insert into stockroom.saved_views (owner_id, name, page, query, is_shared) values (_user_id, _title, _page, _query, _is_shared)
    on conflict (owner_id, lower(name)) do nothing
    returning id into _id;
    if _id is null then
        perform stockroom_api.refuse_value('name', 'is taken by another view of yours');
    end if;
    return _id;
end $$;

-- Lock a view of a person for a change. Refuses: SK008 if it was deleted or is another person's, SK014 if its version is newer
-- than the one on the person's page.
create function stockroom_api.lock_view(_user_id bigint, _view bigint, _version int) returns void
    language plpgsql as $$
declare
    _found stockroom.saved_views;
begin
    perform stockroom_api.refuse_nobody(_user_id);
    select * into _found from stockroom.saved_views where id = _view and owner_id = _user_id for update;
    if not found then
        perform stockroom_api.refuse('SK008', 'This view is not among yours any more; it was deleted.',
            '{"field": "view", "why": "was deleted"}');
    elsif _found.version <> _version then
        perform stockroom_api.refuse('SK014', format('The view “%s” was changed on another page in the meantime.', _found.name));
    end if;
end $$;

-- Rename a view. Refuses: SK008 (deleted, the name is taken), SK009, SK010, SK014.
create function stockroom_api.rename_view(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _view bigint, _version int, _title text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    perform stockroom_api.lock_view(_user_id, _view, _version);
    update stockroom.saved_views set name = _title, version = version + 1, updated_at = clock_timestamp() where id = _view;
exception when unique_violation then
    perform stockroom_api.refuse_value('name', 'is taken by another view of yours');
end $$;

-- Put another page and query string under the name of a view. Refuses: SK008 (deleted), SK009, SK010, SK014.
create function stockroom_api.replace_view(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _view bigint, _version int, _page text, _query text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    perform stockroom_api.lock_view(_user_id, _view, _version);
    update stockroom.saved_views set page = _page, query = _query, version = version + 1, updated_at = clock_timestamp()
     where id = _view and (page, query) is distinct from (_page, _query);
end $$;

-- Share a view with everybody, or make it private again. Refuses: SK008 (deleted), SK009, SK010, SK014.
create function stockroom_api.share_view(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _view bigint, _version int, _is_shared boolean
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    perform stockroom_api.lock_view(_user_id, _view, _version);
    update stockroom.saved_views set is_shared = _is_shared, version = version + 1, updated_at = clock_timestamp() where id = _view;
end $$;

-- Make the shared view of another person private, as a manager may; its owner keeps it. Refuses: SK009, SK010.
create function stockroom_api.withdraw_view(_user_id bigint, _session_id bigint, _roles text[], _name text, _view bigint)
    returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _title text;
begin
    update stockroom.saved_views set is_shared = false, version = version + 1, updated_at = clock_timestamp()
     where id = _view and is_shared
    returning name into _title;
    if found then
        perform stockroom_api.note_change(_user_id, _who, 'view_withdrawn', _title);
    end if;
end $$;

-- Delete a view. Who begins on it begins on Overview, and mails come without it. A deleted one is no error. Refuses: SK009, SK010.
create function stockroom_api.delete_view(_user_id bigint, _session_id bigint, _roles text[], _name text, _view bigint)
    returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    delete from stockroom.saved_views where id = _view and owner_id = _user_id;
end $$;

-- Choose where a person begins: a page, a view, or neither for Overview. Refuses: SK008 (they do not see the view), SK009, SK010.
create function stockroom_api.choose_start(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _page text, _view bigint
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.refuse_nobody(_user_id);
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    if _page is null and _view is null then
        delete from stockroom.start_pages where user_id = _user_id;
        return;
    elsif _view is not null then
        perform from stockroom.saved_views v where v.id = _view and stockroom_api.sees_view(_user_id, v) for key share;
        if not found then
            perform stockroom_api.refuse_value('view', 'was deleted or is no longer shared');
        end if;
    end if;
    insert into stockroom.start_pages (user_id, page, view_id)
    values (_user_id, case when _view is null then _page end, _view)
    on conflict (user_id) do update set page = excluded.page, view_id = excluded.view_id;
end $$;

grant execute on function
    stockroom_api.list_saved_views(bigint, bigint, text[], text),
    stockroom_api.save_view(bigint, bigint, text[], text, text, text, text, boolean),
    stockroom_api.rename_view(bigint, bigint, text[], text, bigint, int, text),
    stockroom_api.replace_view(bigint, bigint, text[], text, bigint, int, text, text),
    stockroom_api.share_view(bigint, bigint, text[], text, bigint, int, boolean),
    stockroom_api.withdraw_view(bigint, bigint, text[], text, bigint),
    stockroom_api.delete_view(bigint, bigint, text[], text, bigint),
    stockroom_api.choose_start(bigint, bigint, text[], text, text, bigint)
    to stockroom_app;
