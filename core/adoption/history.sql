-- The lines to post (adoption_lines), in order. For each variant: an opening count if its history does not begin at zero (the
-- level that the oldest row states, or more if a level would fall below zero), the history, and one closing count if the current
-- level differs from the end of the history.
create temp table adoption_lines on commit drop as
with history as (
    select j.*, sum(j.delta) over following as running, first_value(j.level_before) over following as first_before
      from adoption_judged j
     where j.why is null
    window following as (partition by j.known_variant order by j.n)
), variant as (
    select v.id, v.shelf, count(h.n) as rows, min(h.occurred_at) as first_at,
           greatest(max(h.first_before), -min(h.running), 0)::int as opening, coalesce(sum(h.delta), 0)::int as total
      from adoption_variants v
      left join history h on h.known_variant = v.id
     group by 1, 2
), line as (
    select 1 as phase, h.n, h.known_variant as variant_id, h.ours as movement_type, h.our_reason as reason, h.delta as quantity,
           h.level_before as before, h.occurred_at, left(h.reference_type, 40) as reference_type,
           left(h.reference_id, 200) as reference_id, left(coalesce(h.performed_by, %(nobody)s), 80) as performed_by, h.note,
           case when h.is_ours is not true then h.reason end as told_reason,
           case when h.has_type and h.legacy_type <> h.ours then 'Was "' || h.legacy_type || '" before' end as was,
           left('adopted:' || coalesce(h.legacy_id, 'row ' || h.n), 160)
               || case when row_number() over (partition by h.legacy_id order by h.n) > 1 then ', row ' || h.n else '' end as key,
           case when h.created_at between timestamptz '1970-01-01 00:00+00' and now() then h.created_at else now() end as recorded_at,
           h.legacy_row
      from history h
    union all
    select 0, 0, v.id, 'count', 'initial_count', v.opening, 0, v.first_at - interval '1 second', null, null, %(us)s,
           'The level before the oldest movement that was carried over', null, null, 'adopted:opening:' || v.id,
           now(), null
      from variant v where v.opening > 0
    union all
    select 2, 0, v.id, 'count', case when v.rows = 0 then 'initial_count' else 'cycle_count' end,
           v.shelf - v.opening - v.total, null, null, null, null, %(us)s,
           case when v.rows = 0 then 'The level at which the shop moved in'
                else 'The shelf had ' || v.shelf || ' when the shop moved in; its old history ends at ' || v.opening + v.total
           end, null, null, 'adopted:closing:' || v.id, now(), null
      from variant v where v.shelf <> v.opening + v.total
    union all  -- units that cannot be sold
    select 3, 0, d.id, 'adjustment', 'damaged', null, -d.damaged, d.shelf, null, null, null, %(us)s,
           'Could not be sold when the shop moved in', null, null, 'adopted:damaged:' || d.id
      from adoption_variants d where d.damaged > 0
), placed as (
    select l.*, sum(l.quantity) over following - l.quantity as begins
      from line l
    window following as (partition by l.variant_id order by l.phase, l.n)
)
select row_number() over (order by p.phase, p.n, p.variant_id) as place, null::bigint as operation_id, p.*
  from placed p
