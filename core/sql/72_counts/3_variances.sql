-- What was counted against what the ledger says of the counted second.

-- Each counted line with one number where the entries allow it. Scans by several people add up, because each scan is a unit. A
-- typed number and another person's number are a conflict, until a person says whose number counts, or that they add up.
create view stockroom_api.counted_lines as
select l.count_id, l.variant_id, l.place, l.is_extra, l.round, l.is_accepted, l.decided_by, l.approved_by, l.approved_units, t.people,
       t.who, t.is_zeroed,
       case when l.answer > -1 then t.chosen when t.persons = 1 or t.is_scanned or l.answer = -1 then t.units end as counted,
       case when l.answer > -1 then t.chosen_first else t.first_at end as first_at,
       case when l.answer > -1 then t.chosen_last else t.last_at end as last_at
  from stockroom.count_lines l
 cross join lateral (
    select count(*) as persons, sum(x.units)::int as units, bool_and(x.is_scanned) as is_scanned, min(x.first_at) as first_at,
           max(x.last_at) as last_at, bool_or(x.is_zeroed) as is_zeroed, string_agg(x.person, ', ' order by x.person) as who,
           max(x.units) filter (where x.person_id = l.answer) as chosen,
           max(x.first_at) filter (where x.person_id = l.answer) as chosen_first,
           max(x.last_at) filter (where x.person_id = l.answer) as chosen_last,
           jsonb_agg(jsonb_build_object('person_id', x.person_id, 'person', x.person, 'units', x.units, 'is_scanned', x.is_scanned,
                                        'at', x.last_at) order by x.person) as people
      from stockroom_api.count_tallies x where x.count_id = l.count_id and x.variant_id = l.variant_id) t
 where t.persons > 0;

-- One counted line as the review shows it. `expected`: the level at the counted second. `since`: the net units that moved after
-- it. `target`: the level after applying; `missing`: units that were sold since but were not there. `question`: 'conflict'
-- if people disagree, 'moved' if units moved between the first and the last unit that was counted.
create type stockroom_api.variance as (
    variant_id uuid, place int, is_extra boolean, round int, people jsonb, who text, is_zeroed boolean, counted int, counted_at timestamptz,
    expected int, variance int, on_hand int, reserved int, since int, since_movements int, target int, missing int,
    unit_value numeric, valued_by text, question text, is_over boolean, approved_by text, decided_by text
);

-- The variances of a session's counted lines. The expected level is the present one without the movements that happened after
-- the counted second. So a movement that is recorded later but happened before belongs to it, in whatever order they were written.
-- A count moves no goods: what another count of a later second has corrected belongs to it too, and is not corrected twice.
create function stockroom_api.count_variances(_count_id bigint) returns setof stockroom_api.variance
    language sql stable as $$
    with line as materialized (
        select * from stockroom_api.counted_lines l where l.count_id = _count_id
    ), moved as materialized (
        select l.variant_id, coalesce(sum(m.quantity) filter (where m.occurred_at > l.last_at), 0)::int as since,
               count(*) filter (where m.occurred_at > l.last_at)::int as movements,
               count(*) filter (where m.occurred_at <= l.last_at) > 0 as is_between
          from line l
          join public.stock_movements m on m.variant_id = l.variant_id and m.occurred_at > l.first_at and m.movement_type <> 'count'
         where m.occurred_at > (select min(first_at) from line)
         group by l.variant_id
    ), compared as (
        select l.*, v.stock_quantity as on_hand, v.reserved_quantity as reserved, coalesce(m.since, 0) as since,
               coalesce(m.movements, 0) as movements, coalesce(m.is_between, false) as is_between,
               v.stock_quantity - coalesce(m.since, 0) as expected, w.unit_value, w.valued_by
          from line l
          join public.product_variants v on v.id = l.variant_id
          join stockroom_api.count_values w on w.variant_id = l.variant_id
          left join moved m on m.variant_id = l.variant_id
    )
    select c.variant_id, c.place, c.is_extra, c.round, c.people, c.who, c.is_zeroed, c.counted, c.last_at, c.expected, x.variance,
           c.on_hand, c.reserved, c.since, c.movements,
           case when c.counted is not null then greatest(c.on_hand + x.variance, 0) end,
           case when c.counted is not null then greatest(-(c.on_hand + x.variance), 0) end,
           c.unit_value, c.valued_by,
           case when c.counted is null then 'conflict' when c.is_between and not c.is_accepted then 'moved' end,
           coalesce(abs(x.variance) > r.limit_units, false) or coalesce(abs(x.variance) * c.unit_value > r.limit_money, false),
           case when c.approved_units = x.variance then c.approved_by end, c.decided_by
      from compared c
     cross join stockroom.count_rules r
     cross join lateral (select c.counted - c.expected as variance) x
     order by c.place, c.variant_id;
$$;

-- The variances for the review of a session. Refuses: SK008 while a blind session is still being counted, SK009, SK010.
create function stockroom_api.review_lines(_user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint)
    returns table (
        sku text, product text, size text, color text, variant_id uuid, place int, is_extra boolean, round int, people jsonb, who text,
        is_zeroed boolean, counted int, counted_at timestamptz, expected int, variance int, on_hand int, reserved int, since int,
        since_movements int, target int, missing int, unit_value numeric, valued_by text, question text, is_over boolean, approved_by text,
        decided_by text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    if exists (select from stockroom.counts c where c.id = _count_id and c.is_blind and c.state in ('counting', 'paused')) then
        perform stockroom_api.refuse_value('count', 'is blind: variances are shown when counting is finished');
    end if;
    return query
    select v.sku, p.name, v.size, v.color, d.*
      from stockroom_api.count_variances(_count_id) d
      join public.product_variants v on v.id = d.variant_id
      join public.products p on p.id = v.product_id
     order by d.place, v.sku;
end $$;

-- The lines of a session that nobody has counted in their present round, with the present level. A blind session hides it
-- from those who count, also of a line to recount.
create function stockroom_api.uncounted_lines(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _count_id bigint, _limit int
) returns table (variant_id uuid, sku text, product text, size text, color text, shelf_place text, on_hand int, is_recount boolean,
                 last_counted_at timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
    select v.id, v.sku, p.name, v.size, v.color, nullif(btrim(v.shelf_place), ''),
           case when not (c.is_blind and (c.state in ('counting', 'paused') or l.round > 1)) then v.stock_quantity end, l.round > 1,
           v.last_counted_at
      from stockroom.count_lines l
      join stockroom.counts c on c.id = l.count_id
      join public.product_variants v on v.id = l.variant_id
      join public.products p on p.id = v.product_id
     where l.count_id = _count_id
       and not exists (select from stockroom.count_entries e
                        where e.count_id = l.count_id and e.variant_id = l.variant_id and e.round = l.round)
     order by l.round > 1 desc, l.place, v.sku
     limit _limit;
end $$;

grant execute on function
    stockroom_api.review_lines(bigint, bigint, text[], text, bigint),
    stockroom_api.uncounted_lines(bigint, bigint, text[], text, bigint, int) to stockroom_app;
