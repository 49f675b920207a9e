-- The Stripe guard: Payment Links and open Checkout Sessions that sell what is out are closed at Stripe. core/storefront/guard reads
-- Stripe and decides; these functions say when to look, keep the record, and let an act begin only while the guard is on.

-- How the guard is set, and when it last looked.
create view stockroom_api.guard_state as
select g.mode, g.most_per_hour, g.set_by, g.set_at, g.stopped_at, g.stopped_why, g.looked_at, g.trouble
  from stockroom.guard g;

-- Set the guard: off, a dry run, or on, and how many changes an hour it may make. What is null stays. Refuses: SK008, SK009, SK010.
create function stockroom_api.set_guard(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _mode text, _most int
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _was stockroom.guard;
begin
    select g.* into _was from stockroom.guard g for update;
    update stockroom.guard set most_per_hour = _most where _most is not null;
    update stockroom.guard
       set mode = _mode, set_by = _who, set_at = now(), stopped_at = null, stopped_why = null, trouble = null, mark = null, floor = null
     where _mode is not null;
    if _mode <> 'off' then
        perform stockroom_api.resolve_cause('guard:stopped', _who, 'The Stripe guard was set again.');
    end if;
    perform stockroom_api.note_change(_user_id, _who, 'guard_set', 'guard',
        jsonb_build_object('mode', _was.mode, 'most', _was.most_per_hour),
        jsonb_build_object('mode', coalesce(_mode, _was.mode), 'most', coalesce(_most, _was.most_per_hour)));
end $$;

-- What a look at Stripe is needed for: nothing while the guard is off; everything once an hour and after it was set; else the variants
-- whose levels changed since the place of the last look, if one of them is out or one of the guard's objects sells it. `mark` and
-- `floor` are the place to note when the look is over.
create function stockroom_api.guard_due(
    out mode text, out is_full boolean, out out_ids uuid[], out changed_ids uuid[], out mark text, out floor bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _guard stockroom.guard;
    _back int;
begin
    select g.* into _guard from stockroom.guard g;
    mode := _guard.mode;
    if mode = 'off' then
        return;
    end if;
    select p.mark, p.floor into mark, floor from stockroom_api.levels_place() p;
    _back := stockroom_api.levels_back(_guard.mark, _guard.floor);
    is_full := _back is null or _guard.looked_at is null or _guard.looked_at < now() - interval '1 hour';
    out_ids := '{}';
    changed_ids := '{}';
    if is_full then
        return;
    end if;
    select coalesce(array_agg(c.variant_id) filter (where c.available = 0), '{}'), coalesce(array_agg(c.variant_id), '{}')
      into out_ids, changed_ids
      from stockroom_api.changed_levels(_back) c;
end $$;

-- Note that a look is over, and the place up to which changes were read. A place is forgotten when the look failed.
create function stockroom_api.end_guard_look(_mark text, _floor bigint, _is_full boolean, _trouble text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.guard
       set mark = case when _trouble is null then _mark else mark end, floor = case when _trouble is null then _floor else floor end,
           looked_at = case when _is_full and _trouble is null then clock_timestamp() else looked_at end, trouble = left(_trouble, 300);
$$;

-- The units of each variant that lines of Stripe stand for, a bundle by its parts, numbered as they were asked: [{code, codes, size}].
create function stockroom_api.units_of_lines(_asked jsonb) returns table (n bigint, variant_id uuid, units int)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    with named as materialized (select c.* from stockroom_api.name_codes(_asked) c)
    select c.n, c.variant_id, 1 from named c where c.variant_id is not null
    union all
    select c.n, p.variant_id, p.quantity
      from named c
      join rows from (jsonb_to_recordset(_asked) as (code text, codes text[])) with ordinality a (code, codes, n) on a.n = c.n
      join stockroom.sku_aliases s on s.code = any (a.code || a.codes) and s.kind = 'bundle' and s.ended_at is null and s.order_id is null
      join stockroom.code_parts p on p.meaning_id = s.id
     where c.has_meaning
     order by 1, 2;
$$;

-- The objects of Stripe that the guard knows. Those read long ago may sell something else by now.
create view stockroom_api.guard_objects as
select o.object_id, o.kind, o.items, o.over, o.read_at < now() - interval '55 minutes' as is_old from stockroom.guard_objects o;

-- Keep what was read of objects: [{object_id, kind, items}]. Sessions are forgotten after two days; none is open longer.
create function stockroom_api.keep_guard_objects(_rows jsonb) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    delete from stockroom.guard_objects o where o.kind = 'session' and o.read_at < now() - interval '2 days';
    insert into stockroom.guard_objects (object_id, kind, items)
    select r.object_id, r.kind, r.items from jsonb_to_recordset(_rows) r (object_id text, kind text, items jsonb)
    on conflict (object_id) do update set items = excluded.items, read_at = excluded.read_at;
$$;

-- What a buyer can have of these variants, and their SKUs.
create function stockroom_api.guard_levels(_ids uuid[]) returns table (variant_id uuid, sku text, available int)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select v.id, v.sku, case when v.is_active then greatest(v.computed_available_stock, 0) else 0 end
      from public.product_variants v
     where v.id = any (_ids)
     order by v.id;
$$;

-- The units that active holds keep for a checkout: the hold that is named, is bound to the payment, or has one of the references.
create function stockroom_api.guard_holds(_named text, _payment_id text, _references text[])
    returns table (variant_id uuid, units bigint)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select l.variant_id, sum(l.quantity)
      from stockroom.reservations r
      join stockroom.reservation_lines l on l.reservation_id = r.id
     where r.state = 'active' and r.expires_at > now()
       and (r.id::text = lower(_named) or r.payment_id = _payment_id or r.reference = any (_references))
     group by l.variant_id;
$$;

-- The latest act about each Payment Link, in a dry run and in earnest, and the entry by which the link was last deactivated. An inactive
-- link with this entry in its metadata was not deactivated by a person.
create view stockroom_api.guard_links as
select distinct on (a.object_id, a.mode) a.object_id, a.mode, a.act, a.state,
       (select d.entry from stockroom.guard_acts d
         where d.object_id = a.object_id and d.mode = 'on' and d.act = 'deactivate' order by d.id desc limit 1) as entry
  from stockroom.guard_acts a
 where a.act <> 'expire'
 order by a.object_id, a.mode, a.id desc;

-- Let an act begin: note it before Stripe is asked, and return its number and entry. `goes_on` is false if the guard is not in this mode
-- any more, so that nothing more may be asked of Stripe, or if the brake stops it now. In a dry run, and about a link that is left
-- alone, an act is noted once until another one is. The row of the guard is locked, so the kill switch waits for this statement only.
create function stockroom_api.begin_guard_act(
    _mode text, _act text, _object_id text, _found jsonb, _asked text, out act_id bigint, out entry text, out goes_on boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _guard stockroom.guard;
    _count bigint;
begin
    select g.* into _guard from stockroom.guard g for update;
    goes_on := _guard.mode = _mode;
    if not goes_on then
        return;
    end if;
    if _mode = 'on' and _act <> 'leave' then
        select count(*) into _count from stockroom.guard_acts a
         where a.mode = 'on' and a.act <> 'leave' and a.created_at > greatest(now() - interval '1 hour', _guard.set_at);
        if _count >= _guard.most_per_hour then
            perform stockroom_api.stop_guard(_guard.most_per_hour);
            goes_on := false;
            return;
        end if;
    end if;
    insert into stockroom.guard_acts as a (act, object_id, found, asked, state, mode, set_by, most_per_hour)
    select _act, _object_id, _found, _asked, case when _mode = 'dry' then 'dry' when _act = 'leave' then 'done' else 'asked' end, _mode,
           _guard.set_by, _guard.most_per_hour
     where _mode = 'on' and _act <> 'leave'
        or (select l.act from stockroom.guard_acts l where l.object_id = _object_id and l.mode = _mode order by l.id desc limit 1)
           is distinct from _act
    returning a.id, a.entry into act_id, entry;
end $$;

-- Stop the guard because it made as many changes within an hour as it may, with a case.
create function stockroom_api.stop_guard(_most int) returns void
    language plpgsql as $$
declare
    _why text := case _most
        when 1 then 'The Stripe guard stopped: it made 1 change at Stripe within an hour, as many as it may.'
        else format('The Stripe guard stopped: it made %s changes at Stripe within an hour, as many as it may.', _most) end;
begin
    update stockroom.guard set mode = 'off', stopped_at = clock_timestamp(), stopped_why = _why;
    perform stockroom_api.open_alerts(array[row ('guard_stopped', 'urgent', 'guard:stopped', _why, jsonb_build_object('most', _most),
        null, null, null, null, 0, 0, null)::stockroom_api.new_alert]);
end $$;

-- Note what Stripe answered to an act, or that it is not known whether Stripe got the request.
create function stockroom_api.end_guard_act(_id bigint, _state text, _answer text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.guard_acts a set state = _state, answer = left(_answer, 300), answered_at = clock_timestamp() where a.id = _id;
$$;

-- Note that the entry in a link's metadata has no meaning any more: there was stock while the link was active.
create function stockroom_api.pass_guard_entry(_object_id text, _entry text) returns void
    language sql security definer set search_path = pg_catalog, pg_temp as $$
    update stockroom.guard_objects o set over = _entry where o.object_id = _object_id;
$$;

-- The record of the guard.
create view stockroom_api.guard_acts as
select a.id as act_id, a.act, a.object_id, a.found, a.asked, a.entry, a.state, a.answer, a.mode, a.set_by, a.most_per_hour, a.created_at,
       a.answered_at
  from stockroom.guard_acts a;

grant select on
    stockroom_api.guard_state, stockroom_api.guard_objects, stockroom_api.guard_links, stockroom_api.guard_acts to stockroom_app;
grant execute on function
    stockroom_api.set_guard(bigint, bigint, text[], text, text, int), stockroom_api.guard_due(),
    stockroom_api.end_guard_look(text, bigint, boolean, text), stockroom_api.units_of_lines(jsonb),
    stockroom_api.keep_guard_objects(jsonb), stockroom_api.guard_levels(uuid[]), stockroom_api.guard_holds(text, text, text[]),
    stockroom_api.begin_guard_act(text, text, text, jsonb, text), stockroom_api.end_guard_act(bigint, text, text),
    stockroom_api.pass_guard_entry(text, text)
    to stockroom_app;
