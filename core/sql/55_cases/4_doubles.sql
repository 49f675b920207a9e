-- Double payments: the latest orders are looked at again, and a case is ended with "Both are right".

-- Look again at the orders of the last minutes: two workers that record the two payments at the same moment do not see each other.
create function stockroom_api.review_doubles() returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    select stockroom_api.question_doubles(array(
        select o.id from (select x.id, x.imported_at from stockroom.orders x order by x.id desc limit 2000) o
         where o.imported_at > now() - interval '10 minutes'));
$$;

-- Resolve the case of a double payment with the reason that the buyer wanted both. Refuses: SK008, SK009, SK010.
create function stockroom_api.resolve_double(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _alert_id bigint, _reason text
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    if exists (select from stockroom.alerts a where a.id = _alert_id and a.kind <> 'double_payment') then
        perform stockroom_api.refuse_value('case', 'is not about a double payment');
    end if;
    perform stockroom_api.resolve_alerts(_user_id, _session_id, _roles, _name, array[_alert_id], _reason);
end $$;

grant execute on function
    stockroom_api.resolve_double(bigint, bigint, text[], text, bigint, text), stockroom_api.review_doubles() to stockroom_app;
