-- Applying a session: one operation with a movement for each counted line, also for those without a variance. Undone as a whole.

-- Refuse while lines have open questions, or while variances over the limit lack a second person. Of `_managers`, the applying person
-- is that second person for the lines that others counted. Refuses: SK008 naming the lines.
create function stockroom_api.refuse_open_lines(_variances stockroom_api.variance[], _user_id bigint, _is_manager boolean)
    returns void
    language plpgsql as $$
declare
    _skus text;
    _lines int;
begin
    if cardinality(_variances) = 0 then
        perform stockroom_api.refuse_value('count', 'has no counted line');
    end if;
    select count(*), string_agg(v.sku, ', ' order by v.sku) filter (where d.n <= 10) into _lines, _skus
      from (select (x).variant_id, row_number() over () as n from unnest(_variances) x where (x).question is not null) d
      join public.product_variants v on v.id = d.variant_id;
    if _lines > 0 then
        perform stockroom_api.refuse_value('count', format('has %s with a question to answer first: %s',
            case _lines when 1 then 'one line' else _lines || ' lines' end, _skus), jsonb_build_object('questions', _lines));
    end if;
    select count(*), string_agg(v.sku, ', ' order by v.sku) filter (where d.n <= 10) into _lines, _skus
      from (select (x).variant_id, row_number() over () as n from unnest(_variances) x
             where (x).is_over and (x).approved_by is null
               and not (_is_manager and not (x).people @> jsonb_build_array(jsonb_build_object('person_id', coalesce(_user_id, -1))))) d
      join public.product_variants v on v.id = d.variant_id;
    if _lines > 0 then
        perform stockroom_api.refuse_value('count', format('has %s over the limit, which a manager or an admin who did not count it '
            'approves: %s', case _lines when 1 then 'one line' else _lines || ' lines' end, _skus), jsonb_build_object('over', _lines));
    end if;
end $$;

-- Write what became of each line, and who approved those over the limit.
create function stockroom_api.close_lines(_count_id bigint, _variances stockroom_api.variance[], _performed_by text) returns void
    language sql as $$
    update stockroom.count_lines l
       set expected = d.expected, counted = d.counted, posted = d.target - d.on_hand, missing = d.missing, unit_value = d.unit_value,
           valued_by = d.valued_by, counted_at = d.counted_at, counted_by = d.who,
           approved_by = case when d.is_over then coalesce(d.approved_by, _performed_by) end
      from unnest(_variances) d
     where l.count_id = _count_id and l.variant_id = d.variant_id;
$$;

-- Refuse if something else is counted than a person was shown (null: nobody was). Refuses: SK008.
create function stockroom_api.refuse_other_lines(_variances stockroom_api.variance[], _seen_ids uuid[], _seen_units int[]) returns void
    language plpgsql as $$
declare
    _changed text := (select string_agg(v.sku, ', ' order by v.sku)
                        from unnest(_variances) d
                        full join unnest(_seen_ids, _seen_units) u (id, units) on u.id = d.variant_id
                        join public.product_variants v on v.id = coalesce(u.id, d.variant_id)
                       where u.id is null or d.variant_id is null or u.units is distinct from d.counted);
begin
    if _seen_ids is not null and _changed is not null then
        perform stockroom_api.refuse_value('count', format(
            'has changed since this page showed it: %s. Nothing was changed. Look at these lines, then apply again', _changed));
    end if;
end $$;

-- Apply a session in review. Each variance is posted as a change at the counted second, so what was sold and received since stays.
-- No level goes below zero, and holds that no longer fit are given up. Lines that nobody counted stay as they are. `_seen_ids` and
-- `_seen_units`: what the person was shown as counted, or null. Refuses: SK003, SK008, also if something else is counted now, SK009,
-- SK010.
create function stockroom_api.apply_count(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _managers text[], _seen_ids uuid[],
    _seen_units int[], _key text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'count', _count_id::text, _user_id, _performed_by);
    _is_manager boolean := _user_id is null or exists (select from stockroom.users u where u.id = _user_id and u.role = any (_managers));
    _count stockroom.counts;
    _variances stockroom_api.variance[];
    _variant_ids uuid[];
    _targets int[];
    _locked uuid[];
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    _count := stockroom_api.lock_session(_count_id, array['review']);
    select coalesce(array_agg(d.variant_id), '{}'), coalesce(array_agg(coalesce(d.target, d.on_hand)), '{}') into _variant_ids, _targets
      from stockroom_api.count_variances(_count_id) d;
    _locked := stockroom_api.lock_for_levels(_variant_ids, _targets);
    _variances := array(select d from stockroom_api.count_variances(_count_id) d);
    perform stockroom_api.refuse_other_lines(_variances, _seen_ids, _seen_units);
    perform stockroom_api.refuse_open_lines(_variances, _user_id, _is_manager);
    perform stockroom_api.close_lines(_count_id, _variances, _performed_by);
    select array_agg(d.variant_id), array_agg(d.target) into _variant_ids, _targets from unnest(_variances) d;
    perform stockroom_api.give_up_holds(_operation_id, _variant_ids, _targets, _locked);
    update stockroom.counts
       set state = 'applied', operation_id = _operation_id, ended_by = _performed_by, ended_at = now() where id = _count_id;
    return query select * from stockroom_api.post_count(_operation_id, _performed_by, _count_id, _variances);
end $$;

-- Post the movements of a session's lines: of the reason full count for a session of everything, else cycle count.
create function stockroom_api.post_count(
    _operation_id bigint, _performed_by text, _count_id bigint, _variances stockroom_api.variance[]
) returns setof stockroom_api.posting
    language plpgsql as $$
declare
    _reason text := (select case c.scope when 'everything' then 'full_count' else 'cycle_count' end from stockroom.counts c where c.id = _count_id);
    _lines stockroom.line[] := array(
        select row (d.variant_id, 'count', _reason, d.target - d.on_hand, least(d.counted_at, now()), 'count', _count_id::text, null, null)
               ::stockroom.line
          from unnest(_variances) d);
begin
    perform stockroom_api.check_lines(_lines);
    return query select * from stockroom_api.post_lines(_operation_id, _performed_by, _lines);
end $$;

-- Undo an applied session: the opposite of each of its movements, all or none. Given up holds stay given up. Refuses: SK002 if a
-- level would become negative or fall below what is held now, SK003, SK005 if one of them was undone already, SK008, SK009, SK010.
create function stockroom_api.undo_count(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _note text, _key text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'undo_count', format('%s %L', _count_id, _note), _user_id, _performed_by);
    _count stockroom.counts;
    _movement_ids bigint[];
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    _count := stockroom_api.lock_session(_count_id, array['applied']);
    _movement_ids := array(select m.id from public.stock_movements m where m.operation_id = _count.operation_id and m.quantity <> 0);
    if _movement_ids = '{}' then
        perform stockroom_api.refuse_value('count', 'changed no level, so there is nothing to undo');
    end if;
    update stockroom.counts set state = 'undone', undone_by = _performed_by, undone_at = now() where id = _count_id;
    return query select * from stockroom_api.reverse_movements(_operation_id, _performed_by, _movement_ids, _note);
end $$;

grant execute on function
    stockroom_api.apply_count(bigint, bigint, text[], text, bigint, text[], uuid[], int[], text),
    stockroom_api.undo_count(bigint, bigint, text[], text, bigint, text, text) to stockroom_app;
