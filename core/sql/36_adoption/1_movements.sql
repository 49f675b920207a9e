-- Posts the old history of an adopted shop. core/adoption has checked every old row and has put the lines to post into the
-- temporary table adoption_lines, which is dropped at the end of the transaction.

-- Claim an operation for each line. The old row is its key.
create function stockroom_api.claim_adopted() returns void
    language plpgsql as $$
begin
    update pg_temp.adoption_lines
       set operation_id = stockroom_api.claim_operation(key, 'adopt', key, null, performed_by);
end $$;

-- Post the lines through the ledger's own function, in their order, with the texts of the old row that our columns do not hold in
-- the note. Each row keeps its person and the moment at which the old system recorded it; its operation has the moment of
-- adopting. Returns how many movements were written.
create function stockroom_api.post_adopted(_at_once int default 10000) returns bigint
    language plpgsql set jit = off set plan_cache_mode = force_generic_plan set enable_nestloop = off set work_mem = '64MB' as $$
declare
    _last bigint := (select coalesce(max(l.place), 0) from pg_temp.adoption_lines l);
    _share record;
begin
    perform stockroom_api.lock_variants(array(select distinct l.variant_id from pg_temp.adoption_lines l));
    for _from in 1 .. _last by _at_once loop
        select array_agg(s.line order by s.place) as lines, array_agg(s.operation_id order by s.place) as operations,
               array_agg(s.performed_by order by s.place) as people, array_agg(s.recorded_at order by s.place) as recorded
          into _share
          from (select l.place, l.operation_id, l.performed_by, l.recorded_at,
                       row (l.variant_id, l.movement_type, l.reason, l.quantity, l.occurred_at, l.reference_type, l.reference_id, null,
                            left(coalesce(nullif(concat_ws('; ', l.note, l.told_reason, l.was), ''),
                                case when r.note_required then 'Carried over' end), 1000))::stockroom.line as line
                  from pg_temp.adoption_lines l
                  left join stockroom.reasons r on r.movement_type = l.movement_type and r.reason = l.reason
                 where l.place >= _from and l.place < _from + _at_once) s;
        perform stockroom_api.check_lines(_share.lines);
        perform stockroom_api.post_lines(null, null, _share.lines, _share.operations, _share.people, _share.recorded);
    end loop;
    return _last;
end $$;
