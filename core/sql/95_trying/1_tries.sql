-- The things to try on Overview in the sample shop: who began one, and what has come of it.

-- Begin a try; the same key is the same try. Returns its id, or null if it had begun before. Refuses: SK008 in a real shop and while
-- another worker is being killed, SK009, SK010.
create function stockroom_api.begin_try(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _what text, _key text
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _id bigint;
begin
    perform stockroom_api.require_sample();
    lock table stockroom.sandbox_tries in share row exclusive mode;  -- of two at once, the second sees the first
    if _what = 'killed_worker' and exists (
        select from stockroom_api.try_states t
         where t.what = _what and t.key <> _key and not t.is_over and t.begun_at > now() - interval '5 minutes') then
        perform stockroom_api.refuse_value('worker', 'is being killed already. Watch what comes of it first');
    end if;
    insert into stockroom.sandbox_tries (key, what, who) values (_key, _what, _who)
    on conflict (key) do nothing
    returning id into _id;
    return _id;
end $$;

-- Add facts to a try.
create function stockroom_api.note_try(_id bigint, _facts jsonb) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    update stockroom.sandbox_tries set facts = facts || _facts where id = _id;
end $$;

-- A variant to try with, at random: one with units available and no open case. With `_fewest` it has as few units as possible,
-- otherwise five or more if there is one.
create function stockroom_api.variant_to_try(_fewest boolean)
    returns table (sku text, product text, size text, price numeric, available int)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require_sample();
    return query
    select l.sku, l.product, l.size, l.price, l.available
      from stockroom_api.levels l
     where l.is_active and l.available > 0 and l.price > 0
       and not exists (select from stockroom.alerts a where a.variant_id = l.variant_id and a.state <> 'resolved'
                          and a.kind = 'insufficient_stock')
     order by case when _fewest then l.available else (l.available < 5)::int end, random()
     limit 1;
end $$;

grant execute on function
    stockroom_api.begin_try(bigint, bigint, text[], text, text, text),
    stockroom_api.note_try(bigint, jsonb),
    stockroom_api.variant_to_try(boolean)
    to stockroom_app;
