-- Pictures that people upload.

-- Keep a picture and return its digest. core/catalog/pictures.py has written its content. Refuses: SK009, SK010.
create function stockroom_api.keep_picture(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _content bytea, _media_type text
) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _digest text := encode(sha256(_content), 'hex');
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    insert into stockroom.pictures (digest, content, media_type) values (_digest, _content, _media_type)
        on conflict (digest) do update set created_at = now();  -- locks it until its variant has it
    return _digest;
end $$;

-- A picture by its digest. Refuses: SK009, SK010.
create function stockroom_api.picture(_user_id bigint, _session_id bigint, _roles text[], _name text, _digest text)
    returns table (content bytea, media_type text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query select p.content, p.media_type from stockroom.pictures p where p.digest = _digest;
end $$;

-- The hosts of the pictures that are addresses, at most `_count`; those with most variants come first. The gate lets browsers load from them.
create function stockroom_api.picture_hosts(_count int) returns table (host text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select x.host
      from (select substring(u.address from '^https://([a-z0-9.-]+(:[0-9]{1,5})?)(/|$|\?)') as host, count(*) as n
              from (select i.picture from stockroom.variant_pictures i
                    union all
                    select p.image_url from public.products p where p.image_url is not null) u (address)
             group by 1) x
     where x.host is not null
     order by x.n desc, x.host
     limit _count;
$$;

grant execute on function
    stockroom_api.keep_picture(bigint, bigint, text[], text, bytea, text),
    stockroom_api.picture(bigint, bigint, text[], text, text), stockroom_api.picture_hosts(int) to stockroom_app;
