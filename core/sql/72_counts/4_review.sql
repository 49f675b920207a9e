-- Deciding lines in review: apply in spite of a question, recount, use the number of now, approve, set uncounted lines to zero.

-- Decide one line of a session in review. `accept`: apply the variance though units moved while it was counted. `recount`: start the
-- line again. `now`: replace what was counted by what a person sees this second. `sum`: the numbers of several people add up. `person`:
-- the number of this person counts. `_seen`: the sum or the person's number that was shown, or null. In a blind count, nobody counts an
-- own line again after seeing what was expected. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.decide_line(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _variant_id uuid, _what text, _units int,
    _person_id bigint, _seen int, _key text
) returns text
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _count stockroom.counts;
    _round int;
begin
    if exists (select from stockroom.count_entries e where e.key = _key and e.count_id = _count_id and e.variant_id = _variant_id) then
        return _what;
    end if;
    _count := stockroom_api.lock_session(_count_id, array['review']);
    if _count.is_blind and _what in ('recount', 'now') and exists (
        select from stockroom_api.count_tallies t
         where t.count_id = _count_id and t.variant_id = _variant_id and t.person_id = _user_id) then
        perform stockroom_api.refuse_value('line', 'of a blind count was counted by you, and the review shows what was expected. Somebody '
            'else decides to count it again');
    end if;
    if _what = 'person' and not exists (select from stockroom_api.count_tallies t where t.count_id = _count_id
                                        and t.variant_id = _variant_id and t.person_id = _person_id) then
        perform stockroom_api.refuse_value('person', 'has not counted this line');
    end if;
    if _seen <> (select sum(t.units) from stockroom_api.count_tallies t
                  where t.count_id = _count_id and t.variant_id = _variant_id and (_what = 'sum' or t.person_id = _person_id)) then
        perform stockroom_api.refuse_value('line', 'has other numbers now. Nothing was changed. Look at it again');
    end if;
    update stockroom.count_lines l
       set round = l.round + (_what in ('recount', 'now'))::int, is_accepted = _what <> 'recount',
           answer = case _what when 'sum' then -1 when 'person' then _person_id when 'accept' then l.answer end,
           decided_by = _performed_by, approved_by = null, approved_units = null
     where l.count_id = _count_id and l.variant_id = _variant_id
    returning l.round into _round;
    if _round is null then
        perform stockroom_api.refuse_value('line', 'is not part of this count');
    elsif _what = 'now' then
        insert into stockroom.count_entries (count_id, variant_id, round, kind, units, user_id, performed_by, counted_at, key)
        values (_count_id, _variant_id, _round, 'typed', _units, _user_id, _performed_by, clock_timestamp(), _key);
    end if;
    return _what;
end $$;

-- Approve lines over the limit at the variances that the person saw, and return how many. Refuses: SK008 for a person who counted
-- one of the lines, or if a variance has changed; SK009, SK010.
create function stockroom_api.approve_lines(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _variant_ids uuid[], _variances int[]
) returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _count stockroom.counts := stockroom_api.lock_session(_count_id, array['review']);
    _bad record;
begin
    select v.sku, d.people @> jsonb_build_array(jsonb_build_object('person_id', _user_id)) as is_own,
           d.variance is distinct from u.variance as is_changed
      into _bad
      from unnest(_variant_ids, _variances) u (id, variance)
      join public.product_variants v on v.id = u.id
      left join stockroom_api.count_variances(_count_id) d on d.variant_id = u.id
     where d.variance is distinct from u.variance or d.people @> jsonb_build_array(jsonb_build_object('person_id', _user_id))
     order by v.sku limit 1;
    if _bad.is_own then
        perform stockroom_api.refuse_value('line', format('%s was counted by you, so another manager or admin approves it', _bad.sku));
    elsif _bad.is_changed then
        perform stockroom_api.refuse_value('line', format('%s has another variance now. Look at it again', _bad.sku));
    end if;
    update stockroom.count_lines l set approved_by = _performed_by, approved_units = u.variance
      from unnest(_variant_ids, _variances) u (id, variance)
     where l.count_id = _count_id and l.variant_id = u.id;
    return cardinality(_variant_ids);
end $$;

-- Set every line that nobody has counted to zero, as counted this second by this person. `_lines` is how many the person was shown.
-- Refuses: SK008 if they are not that many any more, SK009, SK010.
create function stockroom_api.zero_uncounted(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _lines int, _key text
) returns int
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _added int;
begin
    select count(*) into _added from stockroom.count_entries e where e.count_id = _count_id and e.kind = 'zero' and e.key like _key || ':%';
    if _added > 0 then
        return _added;
    end if;
    perform stockroom_api.lock_session(_count_id, array['review']);
    insert into stockroom.count_entries (count_id, variant_id, round, kind, units, user_id, performed_by, counted_at, key)
    select _count_id, l.variant_id, l.round, 'zero', 0, _user_id, _performed_by, clock_timestamp(), _key || ':' || l.variant_id
      from stockroom.count_lines l
     where l.count_id = _count_id
       and not exists (select from stockroom.count_entries e
                        where e.count_id = l.count_id and e.variant_id = l.variant_id and e.round = l.round);
    get diagnostics _added = row_count;
    if _added <> _lines then
        perform stockroom_api.refuse_value('lines', format('are no longer %s: %s lines are not counted now', _lines, _added));
    end if;
    return _added;
end $$;

grant execute on function
    stockroom_api.decide_line(bigint, bigint, text[], text, bigint, uuid, text, int, bigint, int, text),
    stockroom_api.approve_lines(bigint, bigint, text[], text, bigint, uuid[], int[]),
    stockroom_api.zero_uncounted(bigint, bigint, text[], text, bigint, int, text) to stockroom_app;
