-- Posts the old history of an adopted shop. core/adoption has checked every old row and has put the lines to post into the
-- temporary table adoption_lines, which is dropped at the end of the transaction.

-- Claim an operation for each line. The old row is its key.
create function stockroom_api.claim_adopted() returns void
    language plpgsql as $$
begin
    update pg_temp.adoption_lines
       set operation_id = stockroom_api.claim_operation(key, 'adopt', key, null, performed_by);
end $$;

-- The reasons that an old row may have.
create view stockroom_api.adopted_reasons as
select r.movement_type, r.reason, r.sign, r.note_required from stockroom.reasons r where r.reason <> 'undo' and r.is_active;

-- Post the lines through the ledger's own function: with the old row's reason if it is one of ours, and everything else of the
-- old row in the note. The function writes for one person at a time, so lines are posted in rounds that keep each variant's order.
-- Returns how many movements were written.
create function stockroom_api.post_adopted(_at_once int default 10000) returns bigint
    language plpgsql set jit = off set plan_cache_mode = force_generic_plan set enable_nestloop = off set work_mem = '64MB' as $$
declare
    _share record;
    _written bigint := 0;
begin
    perform stockroom_api.lock_variants(array(select distinct l.variant_id from pg_temp.adoption_lines l));
    for _share in
        select s.performed_by, array_agg(s.line order by s.place) as lines, array_agg(s.operation_id order by s.place) as operations
          from (select l.place, l.round, l.performed_by, l.operation_id,
                       (row_number() over (partition by l.round, l.performed_by order by l.place) - 1) / _at_once as chunk,
                       row (l.variant_id, l.movement_type, coalesce(o.reason, l.reason), l.quantity, l.occurred_at,
                            l.reference_type, l.reference_id, null,
                            left(coalesce(
                                nullif(concat_ws('; ', l.note, case when o.reason is null then l.told_reason end, l.was), ''),
                                case when coalesce(o.note_required, d.note_required) then 'Carried over' end), 1000))::stockroom.line as line
                  from pg_temp.adoption_lines l
                  left join stockroom_api.adopted_reasons o
                    on o.movement_type = l.movement_type and o.reason = l.own_reason and o.sign * l.quantity >= 0
                  left join stockroom_api.adopted_reasons d on d.movement_type = l.movement_type and d.reason = l.reason) s
         group by s.round, s.performed_by, s.chunk
         order by s.round, s.performed_by, s.chunk
    loop
        perform stockroom_api.check_lines(_share.lines);
        perform stockroom_api.post_lines(null, _share.performed_by, _share.lines, _share.operations);
        _written := _written + cardinality(_share.lines);
    end loop;
    return _written;
end $$;
