-- The rate limit of API keys, counted over all processes: a bucket that fills up by the key's rate and holds a minute's worth.

-- Take up to this many requests of a key. Returns how many it got, 0 when it has to wait or does not exist.
create function stockroom_api.take_allowance(_key_id bigint, _wanted int) returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _most double precision := (select k.rate_per_minute from stockroom.api_keys k where k.id = _key_id);
    _bucket stockroom.api_allowances;
    _left double precision;
    _now timestamptz;
    _granted int;
begin
    if _most is null then
        return 0;
    end if;
    insert into stockroom.api_allowances (key_id, left_over, at) values (_key_id, _most, clock_timestamp())
    on conflict do nothing;
    select a.* into _bucket from stockroom.api_allowances a where a.key_id = _key_id for update;
    _now := clock_timestamp();  -- after the lock: another process may have taken some until now
    _left := least(_most, _bucket.left_over + greatest(extract(epoch from _now - _bucket.at), 0) * _most / 60);
    _granted := least(_wanted, floor(_left));
    if _granted > 0 then
        update stockroom.api_allowances set left_over = _left - _granted, at = _now where key_id = _key_id;
    end if;
    return _granted;
end $$;

grant execute on function stockroom_api.take_allowance(bigint, int) to stockroom_app;
