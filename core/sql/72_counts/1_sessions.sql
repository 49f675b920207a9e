-- Sessions of counting: begin one with the lines of its scope, and move it from state to state.

-- What a unit of each variant is worth: its cost, else its price by the rule of the shop.
create view stockroom_api.count_values as
select v.id as variant_id, coalesce(v.unit_cost, w.price) as unit_value,
       case when v.unit_cost is not null then 'cost' when w.price is not null then 'price' end as valued_by
  from public.product_variants v
  join public.products p on p.id = v.product_id
 cross join stockroom.shop s
 cross join lateral (
    select case when v.unit_cost is not null then null
                when coalesce(s.price_rule ->> 0, 'price') = 'price' then coalesce(v.price, p.price)
                else stockroom_api.ruled_price(v.id) end as price) w;

-- Where a size is in the order of sizes: by rank (0 numbers, 1 letters, 2 numbers of a system, 3 the rest), system, number and text.
-- Pages have the same order, by size_order in core/catalog/size_runs.py (a test compares them).
create function stockroom_api.size_order(_size text, out rank int, out system text, out number numeric, out written text)
    language plpgsql immutable as $$
declare
    _found text[];
begin
    written := btrim(coalesce(_size, ''));
    system := '';
    _found := regexp_match(upper(written), '^(?:M|(?:([0-9]{1,2})X|(X*))([SL]))$');
    if _found is not null then
        rank := 1;
        number := case _found[3] when 'L' then 1 when 'S' then -1 else 0 end * (1 + coalesce(_found[1]::int, length(_found[2]), 0));
        return;
    end if;
    _found := regexp_match(written, '^([^0-9]*)([0-9]+(?:[.,][0-9]+)?)(?:\s*([¼½¾⅓⅔])|\s+([0-9])/([1-9]))?');
    system := upper(btrim(coalesce(_found[1], written)));
    rank := case when _found is null then 3 when system <> '' then 2 else 0 end;
    number := coalesce(replace(_found[2], ',', '.')::numeric, 0)
              + coalesce(case _found[3] when '¼' then 0.25 when '½' then 0.5 when '¾' then 0.75 when '⅓' then 1 / 3.0
                                        when '⅔' then 2 / 3.0 end, _found[4]::numeric / _found[5]::numeric, 0);
end $$;

-- Every variant in the order in which people walk past it: shelf place if there is one, then product, colour and size.
create view stockroom_api.count_order as
select v.id as variant_id, row_number() over (
           order by nullif(btrim(v.shelf_place), '') nulls last, p.name, p.id, v.color nulls first, s.rank, s.system collate "C", s.number,
                    s.written collate "C", v.sku)::int as place
  from public.product_variants v
  join public.products p on p.id = v.product_id
 cross join lateral stockroom_api.size_order(v.size::text) s;

-- The variants of a scope. Inactive variants belong to a scope only while units of them are on hand, and to a list always.
-- `size_runs`: products of which some sizes can be sold and some cannot.
create function stockroom_api.scope_variants(_scope text, _text text, _ids uuid[], _number int) returns setof uuid
    language sql stable as $$
    select v.id
      from public.product_variants v
      join public.products p on p.id = v.product_id
     where case when _scope = 'list' then v.id = any (_ids) else (v.is_active or v.stock_quantity > 0) end
       and case _scope
               when 'brand' then p.brand::text = _text
               when 'product' then v.product_id = any (_ids)
               when 'not_counted' then v.last_counted_at is null or v.last_counted_at < now() - make_interval(days => _number)
               when 'size_runs' then v.product_id in (
                   select x.product_id from public.product_variants x where x.is_active group by x.product_id
                   having bool_or(x.computed_available_stock > 0) and bool_or(x.computed_available_stock <= 0))
               when 'most_valuable' then v.id in (
                   select r.id from (
                       select x.id, row_number() over (order by x.stock_quantity * coalesce(w.unit_value, 0) desc, x.id) as n,
                              count(*) over () as among
                         from public.product_variants x
                         join stockroom_api.count_values w on w.variant_id = x.id
                        where x.is_active or x.stock_quantity > 0) r
                    where r.n <= ceil(r.among / 10.0))
               else true end;
$$;

-- Begin a session and return its number; the same key again returns the same session. Refuses: SK003, SK008 if the scope covers
-- nothing, SK009, SK010.
create function stockroom_api.start_count(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _key text, _title text, _scope text, _said text, _is_blind boolean,
    _text text, _ids uuid[], _number int
) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'start_count',
        format('%L %L %L %L %L %s', _title, _scope, _is_blind, _text, _ids, _number), _user_id, _performed_by);
    _id bigint;
begin
    if _operation_id is null then
        return (select c.id from stockroom.counts c join stockroom.operations o on o.id = c.start_operation_id where o.key = _key);
    end if;
    insert into stockroom.counts (name, scope, scope_value, is_blind, start_operation_id, started_by)
    values (_title, _scope, _said, _is_blind, _operation_id, _performed_by)
    returning id into _id;
    insert into stockroom.count_lines (count_id, variant_id, place)
    select _id, o.variant_id, o.place
      from stockroom_api.count_order o
     where o.variant_id in (select stockroom_api.scope_variants(_scope, _text, _ids, _number));
    if not found then
        perform stockroom_api.refuse_value('scope', 'covers no variant');
    end if;
    return _id;
end $$;

-- A session, locked against changes of its state. Refuses: SK008 if there is none, or if it is in none of `_states`.
create function stockroom_api.lock_session(_count_id bigint, _states text[]) returns stockroom.counts
    language plpgsql as $$
declare
    _found stockroom.counts;
begin
    select * into _found from stockroom.counts c where c.id = _count_id for no key update;
    if not found then
        perform stockroom_api.refuse_value('count', 'does not exist');
    elsif _found.state <> all (_states) then
        perform stockroom_api.refuse_value('count', stockroom_api.said_of_state(_found), jsonb_build_object('state', _found.state));
    end if;
    return _found;
end $$;

-- The state of a session as the end of a sentence that begins with "Count".
create function stockroom_api.said_of_state(_count stockroom.counts) returns text
    language sql immutable
    return case _count.state
        when 'counting' then 'is still in progress; finish counting first'
        when 'paused' then 'is paused; resume it first'
        when 'review' then 'is finished and in review; only lines to recount can be counted'
        when 'applied' then format('was already applied by %s', _count.ended_by)
        when 'cancelled' then format('was cancelled by %s', _count.ended_by)
        else format('was undone by %s', _count.undone_by) end;

-- Pause, resume, finish, reopen or cancel a session; one that is already in that state stays as it is. A blind session is
-- reopened by `_managers` only, because its variances have been seen. Refuses: SK008, SK009, SK010.
create function stockroom_api.move_count(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _to text, _managers text[]
) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _count stockroom.counts := stockroom_api.lock_session(_count_id, case _to
        when 'counting' then array['counting', 'paused', 'review'] when 'paused' then array['counting', 'paused']
        when 'review' then array['counting', 'paused', 'review'] when 'cancelled' then array['counting', 'paused', 'review', 'cancelled']
        else '{}' end);
begin
    if _count.state = 'review' and _to = 'counting' and _count.is_blind then
        perform stockroom_api.require(_user_id, _session_id, _managers, _name);
    end if;
    update stockroom.counts
       set state = _to, finished_at = case when _to = 'review' then now() end,
           ended_by = case when _to = 'cancelled' then _performed_by end, ended_at = case when _to = 'cancelled' then now() end
     where id = _count_id and state <> _to;
    return _to;
end $$;

grant execute on function
    stockroom_api.start_count(bigint, bigint, text[], text, text, text, text, text, boolean, text, uuid[], int),
    stockroom_api.move_count(bigint, bigint, text[], text, bigint, text, text[]) to stockroom_app;
