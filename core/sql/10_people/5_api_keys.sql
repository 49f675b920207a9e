-- API keys of programs: created by an admin, shown once, stored only as a hash.

-- Create a key. Returns its id. Refuses: SK008, SK009, SK010.
create function stockroom_api.make_api_key(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _called text, _key_hash bytea, _begins text, _scopes text[],
    _rate_per_minute int
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _id bigint;
begin
    if cardinality(_scopes) = 0 or not _scopes <@ array['validate', 'reserve', 'orders', 'metrics', 'read'] then
        perform stockroom_api.refuse_value('scopes', 'must be some of validate, reserve, orders, metrics and read');
    elsif _rate_per_minute not between 1 and 100000 then
        perform stockroom_api.refuse_value('rate', 'must be between 1 and 100,000 a minute');
    end if;
    insert into stockroom.api_keys (name, key_hash, begins, scopes, rate_per_minute, made_by)
    values (_called, _key_hash, _begins, _scopes, _rate_per_minute, _who)
    returning id into _id;
    perform stockroom_api.note_change(_user_id, _who, 'api_key_made', _called, null,
        jsonb_build_object('begins', _begins, 'scopes', to_jsonb(_scopes), 'rate_per_minute', _rate_per_minute));
    return _id;
end $$;

-- Revoke a key from now on; a revoked key stays revoked. Refuses: SK008, SK009, SK010.
create function stockroom_api.revoke_api_key(_user_id bigint, _session_id bigint, _roles text[], _name text, _id bigint) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _called text;
begin
    update stockroom.api_keys set revoked_at = now(), revoked_by = _who where id = _id and revoked_at is null returning name into _called;
    if _called is not null then
        perform stockroom_api.note_change(_user_id, _who, 'api_key_revoked', _called);
    elsif not exists (select from stockroom.api_keys k where k.id = _id) then
        perform stockroom_api.refuse_value('key', 'does not exist');
    end if;
end $$;

-- The key with this hash, if it is valid now. Notes its use, at most once a minute.
create function stockroom_api.use_api_key(_key_hash bytea)
    returns table (id bigint, name text, scopes text[], rate_per_minute int)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    update stockroom.api_keys k set last_used_at = now()
     where k.key_hash = _key_hash and k.revoked_at is null
       and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
    return query select k.id, k.name, k.scopes, k.rate_per_minute from stockroom.api_keys k
                  where k.key_hash = _key_hash and k.revoked_at is null;
end $$;

-- The keys as Settings shows them.
create view stockroom_api.api_keys as
select k.id, k.name, k.begins, k.scopes, k.rate_per_minute, k.made_by, k.created_at, k.last_used_at, k.revoked_at, k.revoked_by
  from stockroom.api_keys k;

grant select on stockroom_api.api_keys to stockroom_app;
grant execute on function
    stockroom_api.make_api_key(bigint, bigint, text[], text, text, bytea, text, text[], int),
    stockroom_api.revoke_api_key(bigint, bigint, text[], text, bigint), stockroom_api.use_api_key(bytea)
    to stockroom_app;
