-- Browsers in which a person has signed in before. Each has its own limit for wrong passwords, so that strangers cannot lock it out.
-- A browser's token arrives here only as its sha256.

-- Whether a browser has signed in to an account before, and has had fewer than 5 wrong passwords in the last 15 minutes since its
-- last right one.
create function stockroom_api.is_trusted_browser(_browser bytea, _email text) returns boolean
    language plpgsql volatile as $$
begin
    if not exists (select from stockroom.known_browsers b join stockroom.users u on u.id = b.user_id
                    where b.token_hash = _browser and u.email = _email) then
        return false;
    end if;
    perform pg_advisory_xact_lock(730502, hashtext('browser ' || encode(_browser, 'hex')));
    return 5 > (
        select count(*) from stockroom.sign_in_attempts a
         where a.browser = _browser and not a.succeeded and a.at > clock_timestamp() - interval '15 minutes'
           and a.at > coalesce((select max(s.at) from stockroom.sign_in_attempts s
                                 where s.browser = _browser and s.email = _email and s.succeeded), '-infinity'));
end $$;

-- Remember the browser of a session that has just begun: under the token `_shown` if that is known already, else under `_new`.
-- Returns whether `_shown` goes on. An account has at most 20 browsers: the one that was used least recently is forgotten.
create function stockroom_api.know_browser(_session_hash bytea, _shown bytea, _new bytea) returns boolean
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _is_known boolean := exists (select from stockroom.known_browsers where token_hash = _shown);
    _person bigint := (select user_id from stockroom.sessions where token_hash = _session_hash and revoked_at is null);
begin
    if _person is null then
        return _is_known;
    end if;
    insert into stockroom.known_browsers (token_hash, user_id) values (case when _is_known then _shown else _new end, _person)
    on conflict (token_hash, user_id) do update set last_used_at = now();
    delete from stockroom.known_browsers b
     using (select token_hash from stockroom.known_browsers where user_id = _person
             order by last_used_at desc, token_hash offset 20) old
     where b.token_hash = old.token_hash and b.user_id = _person;
    return _is_known;
end $$;

-- Forget the browsers of a person.
create function stockroom_api.forget_browsers(_for bigint) returns void
    language sql as $$
    delete from stockroom.known_browsers where user_id = _for;
$$;

grant execute on function stockroom_api.know_browser(bytea, bytea, bytea) to stockroom_app;
