-- The record of who changed accounts and settings.

-- Record a change in the transaction that makes it. Only the values that differ between `_before` and `_after` are stored.
-- Where all are equal, nothing is recorded. Neither may hold a secret.
create function stockroom_api.note_change(
    _user_id bigint, _performed_by text, _change text, _subject text, _before jsonb default null, _after jsonb default null
) returns void
    language sql as $$
    insert into stockroom.audit (user_id, performed_by, change, subject, before, after)
    select _user_id, _performed_by, _change, _subject,
           (select jsonb_object_agg(b.key, b.value) from jsonb_each(_before) b where b.value is distinct from _after -> b.key),
           (select jsonb_object_agg(a.key, a.value) from jsonb_each(_after) a where a.value is distinct from _before -> a.key)
     where _before is null or _after is null or _before <> _after;
$$;

-- The latest changes, newest first. Refuses: SK009, SK010.
create function stockroom_api.recent_changes(_user_id bigint, _session_id bigint, _roles text[], _name text, _count int)
    returns table (change_id bigint, at timestamptz, performed_by text, change text, subject text, before jsonb, after jsonb)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select a.id, a.at, a.performed_by, a.change, a.subject, a.before, a.after
          from stockroom.audit a
         order by a.id desc
         limit least(greatest(_count, 1), 1000);
end $$;

grant execute on function stockroom_api.recent_changes(bigint, bigint, text[], text, int) to stockroom_app;
