-- Entering what was counted. Several people enter at once; nobody waits for another.

-- What each person has counted of each line in its present round: their latest typed number and what they scanned after it.
create view stockroom_api.count_tallies as
select e.count_id, e.variant_id, coalesce(e.user_id, 0) as person_id, max(e.performed_by) as person, sum(e.units)::int as units,
       min(e.counted_at) as first_at, max(e.counted_at) as last_at, bool_and(e.kind = 'scan') as is_scanned,
       bool_or(e.kind = 'zero') as is_zeroed
  from stockroom.count_entries e
  join stockroom.count_lines l on l.count_id = e.count_id and l.variant_id = e.variant_id and l.round = e.round
 where not exists (
    select from stockroom.count_entries t
     where t.count_id = e.count_id and t.variant_id = e.variant_id and t.round = e.round and t.kind <> 'scan'
       and coalesce(t.user_id, 0) = coalesce(e.user_id, 0) and (t.counted_at, t.id) > (e.counted_at, e.id))
 group by e.count_id, e.variant_id, coalesce(e.user_id, 0);

-- Refuse a second of counting that cannot be: in the future, or older than a month. A clock up to ten minutes ahead is set back.
create function stockroom_api.counted_second(_at timestamptz) returns timestamptz
    language plpgsql as $$
begin
    if _at > clock_timestamp() + interval '10 minutes' then
        perform stockroom_api.refuse_value('counted at', 'lies in the future');
    elsif _at < clock_timestamp() - interval '31 days' then
        perform stockroom_api.refuse_value('counted at', 'is more than 31 days ago');
    end if;
    return least(coalesce(_at, clock_timestamp()), clock_timestamp());
end $$;

-- Add an entry to the present round of a line. Returns whether it is new; the same key with the same content is not. An answer to
-- an earlier question about the line no longer holds, nor does an approval. Refuses: SK003.
create function stockroom_api.add_entry(
    _count_id bigint, _variant_id uuid, _round int, _kind text, _units int, _user_id bigint, _performed_by text,
    _counted_at timestamptz, _key text
) returns boolean
    language plpgsql as $$
declare
    _is_new boolean;
begin
    insert into stockroom.count_entries (count_id, variant_id, round, kind, units, user_id, performed_by, counted_at, key)
    values (_count_id, _variant_id, _round, _kind, _units, _user_id, _performed_by, _counted_at, _key)
    on conflict (key) do nothing;
    _is_new := found;
    if not _is_new and not exists (
        select from stockroom.count_entries e
         where e.key = _key and e.user_id is not distinct from _user_id
           and (e.count_id, e.variant_id, e.kind, e.units) = (_count_id, _variant_id, _kind, _units)) then
        perform stockroom_api.refuse('SK003', 'This idempotency key was already used for another operation.', jsonb_build_object('key', _key));
    end if;
    if _is_new then
        update stockroom.count_lines l
           set answer = null, is_accepted = false, decided_by = null, approved_by = null, approved_units = null
         where l.count_id = _count_id and l.variant_id = _variant_id
           and (l.answer is not null or l.is_accepted or l.approved_by is not null);
    end if;
    return _is_new;
end $$;

-- The line of a variant that is about to be counted; a variant outside the scope gets one. Refuses: SK001, SK008 if the session
-- takes no entries now. In review only lines to recount do.
create function stockroom_api.open_line(_count_id bigint, _variant_id uuid) returns stockroom.count_lines
    language plpgsql as $$
declare
    _count stockroom.counts;
    _line stockroom.count_lines;
begin
    select * into _count from stockroom.counts c where c.id = _count_id for share;
    if not found then
        perform stockroom_api.refuse_value('count', 'does not exist');
    end if;
    select * into _line from stockroom.count_lines l where l.count_id = _count_id and l.variant_id = _variant_id for share;
    if _count.state <> 'counting' and not (_count.state = 'review' and coalesce(_line.round, 1) > 1) then
        perform stockroom_api.refuse_value('count', stockroom_api.said_of_state(_count), jsonb_build_object('state', _count.state));
    end if;
    if _line.variant_id is null then
        if not exists (select from public.product_variants v where v.id = _variant_id) then
            perform stockroom_api.refuse('SK001', 'A variant is unknown.', jsonb_build_object('variants', jsonb_build_array(_variant_id)));
        end if;
        insert into stockroom.count_lines (count_id, variant_id, place, is_extra) values (_count_id, _variant_id, 1000000, true)
        on conflict do nothing;
        select * into _line from stockroom.count_lines l where l.count_id = _count_id and l.variant_id = _variant_id for share;
    end if;
    return _line;
end $$;

-- Enter units of one variant: scanned units are added to what this person has counted in this session, a typed number replaces
-- it. Returns this person's number and everybody's. Refuses: SK001, SK003, SK008, SK009, SK010.
create function stockroom_api.enter_count(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _variant_id uuid, _kind text, _units int,
    _counted_at timestamptz, _key text
) returns table (variant_id uuid, sku text, product text, size text, color text, is_extra boolean, own int, total int, is_repeat boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s'
    set plan_cache_mode = force_generic_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _line stockroom.count_lines;
    _is_new boolean;
begin
    if exists (select from stockroom.count_entries e where e.key = _key) then
        select * into _line from stockroom.count_lines l where l.count_id = _count_id and l.variant_id = _variant_id;
    else
        _line := stockroom_api.open_line(_count_id, _variant_id);
    end if;
    _is_new := stockroom_api.add_entry(_count_id, _variant_id, _line.round, _kind, _units, _user_id, _performed_by,
        stockroom_api.counted_second(_counted_at), _key);
    return query
    select v.id, v.sku, p.name, v.size, v.color, _line.is_extra, t.own, t.total, not _is_new
      from public.product_variants v
      join public.products p on p.id = v.product_id
     cross join (select coalesce(sum(x.units) filter (where x.person_id = coalesce(_user_id, 0)), 0)::int as own,
                        coalesce(sum(x.units), 0)::int as total
                   from stockroom_api.count_tallies x where x.count_id = _count_id and x.variant_id = _variant_id) t
     where v.id = _variant_id;
    if (select min(x.units) from stockroom_api.count_tallies x where x.count_id = _count_id and x.variant_id = _variant_id) < 0 then
        perform stockroom_api.refuse_value('units', 'would take what you have counted below zero');
    end if;
end $$;

-- Refuse a list whose key was used for another one. Refuses: SK003.
create function stockroom_api.refuse_other_list(_count_id bigint, _variant_ids uuid[], _units int[], _user_id bigint, _key text)
    returns void
    language plpgsql as $$
begin
    if exists (select from unnest(_variant_ids, _units) with ordinality u (id, units, n)
                where not exists (select from stockroom.count_entries e
                                   where e.key = _key || ':' || u.n and e.user_id is not distinct from _user_id
                                     and (e.count_id, e.variant_id, e.kind, e.units) = (_count_id, u.id, 'typed', u.units)))
       or exists (select from stockroom.count_entries e where e.key = _key || ':' || cardinality(_variant_ids) + 1) then
        perform stockroom_api.refuse('SK003', 'This idempotency key was already used for another operation.', jsonb_build_object('key', _key));
    end if;
end $$;

-- Enter many typed numbers at once, from a file or a pasted list, all or none. The keys are `_key` and the number of the line.
-- Returns how many are new. Refuses: as enter_count.
create function stockroom_api.enter_many(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _variant_ids uuid[], _units int[],
    _moments timestamptz[], _key text
) returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _line stockroom.count_lines;
    _added int := 0;
begin
    if exists (select from stockroom.count_entries e where e.key = _key || ':1') then
        perform stockroom_api.refuse_other_list(_count_id, _variant_ids, _units, _user_id, _key);
        return 0;
    end if;
    for n in 1 .. cardinality(_variant_ids) loop
        _line := stockroom_api.open_line(_count_id, _variant_ids[n]);
        _added := _added + stockroom_api.add_entry(_count_id, _variant_ids[n], _line.round, 'typed', _units[n], _user_id, _performed_by,
            stockroom_api.counted_second(_moments[n]), _key || ':' || n)::int;
    end loop;
    return _added;
end $$;

grant execute on function
    stockroom_api.enter_count(bigint, bigint, text[], text, bigint, uuid, text, int, timestamptz, text),
    stockroom_api.enter_many(bigint, bigint, text[], text, bigint, uuid[], int[], timestamptz[], text) to stockroom_app;
