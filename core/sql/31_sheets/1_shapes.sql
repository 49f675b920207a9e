-- Files that people upload: what they chose about the columns is remembered for the next file of that shape.

-- What was chosen about files of this shape; no row if nothing was. Refuses: SK009, SK010.
create function stockroom_api.file_shape(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _purpose text, _shape text
) returns table (columns jsonb, answers jsonb, remembered_by text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
        select s.columns, s.answers, s.remembered_by
          from stockroom.file_shapes s where s.purpose = _purpose and s.shape = _shape;
end $$;

-- Remember what was chosen about files of this shape. The five hundred latest of a purpose are kept. Refuses: SK009, SK010.
create function stockroom_api.remember_file_shape(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _purpose text, _shape text, _columns jsonb, _answers jsonb
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
begin
    insert into stockroom.file_shapes as s (purpose, shape, columns, answers, remembered_by)
    values (_purpose, _shape, _columns, _answers, _performed_by)
        on conflict (purpose, shape) do update
       set columns = excluded.columns, answers = excluded.answers, remembered_by = excluded.remembered_by,
           remembered_at = clock_timestamp();
    delete from stockroom.file_shapes s
     where s.purpose = _purpose
       and s.shape in (select o.shape from stockroom.file_shapes o where o.purpose = _purpose
                        order by o.remembered_at desc offset 500);
end $$;

grant execute on function
    stockroom_api.file_shape(bigint, bigint, text[], text, text, text),
    stockroom_api.remember_file_shape(bigint, bigint, text[], text, text, text, jsonb, jsonb)
    to stockroom_app;
