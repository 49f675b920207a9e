-- Cases for levels that are low; who is on a case, and until when it sleeps. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- Who is to finish a case, and until when it is out of everybody's way.
alter table stockroom.alerts
    add column assigned_to bigint references stockroom.users,
    add column snoozed_until timestamptz;

-- What can happen to a case is what core/alerts.py knows.
alter table stockroom.alert_history drop constraint alert_history_what_check;
alter table stockroom.alert_history add constraint alert_history_what_check check (what in ('opened', 'repeated', 'worsened',
    'eased', 'retried', 'acknowledged', 'snoozed', 'woken', 'assigned', 'resolved'));

-- How a level stands: 0 is out of stock, 1 is low, 2 is neither. Neither is also what nobody watches: an inactive variant, one
-- without a reorder point, and one that has never moved, because it has not arrived yet.
create function stockroom.stock_state(_on_hand int, _reorder_point int, _is_active boolean, _movements int) returns int
    language sql immutable
    return case when _is_active and _reorder_point > 0 and _movements > 0 and _on_hand <= _reorder_point
                then least(_on_hand, 1) else 2 end;

-- Tell the case of a variant that is low or out of stock anew; if there is none, open one where `_may_open`. The movement in
-- its facts is the last one after `_sequence` by which the state changed; a changed reorder point has none.
create function stockroom.tell_stock_case(_v public.product_variants, _sequence int, _may_open boolean) returns void
    language plpgsql as $$
declare
    _cause text := 'stock:' || _v.id;
    _is_out boolean := _v.stock_quantity = 0;
    _kind text := case when _is_out then 'out_of_stock' else 'low_stock' end;
    _severity text := case when _is_out then 'warning' else 'note' end;
    _name text := (select concat_ws(' ', _v.sku || ', ' || p.name, 'size ' || _v.size) from public.products p where p.id = _v.product_id);
    _crossing public.stock_movements;
    _known stockroom.alerts;
    _sentence text;
    _facts jsonb;
begin
    select * into _crossing from public.stock_movements m
     where m.variant_id = _v.id and m.variant_sequence > _sequence
       and stockroom.stock_state(m.quantity_before, _v.reorder_point, true, 1)
           <> stockroom.stock_state(m.quantity_after, _v.reorder_point, true, 1)
     order by m.variant_sequence desc limit 1;
    _sentence := format(case when _is_out then '%1$s: out of stock, reorder at %3$s'
                             when _crossing.quantity > 0 then '%1$s: up to %2$s, reorder at %3$s'
                             else '%1$s: down to %2$s, reorder at %3$s' end, _name, _v.stock_quantity, _v.reorder_point);
    _facts := jsonb_strip_nulls(jsonb_build_object('level', _v.stock_quantity, 'reorder_point', _v.reorder_point,
        'movement_id', _crossing.id, 'quantity', _crossing.quantity, 'movement_type', _crossing.movement_type,
        'reason', _crossing.reason, 'performed_by', _crossing.performed_by, 'occurred_at', _crossing.occurred_at));
    select * into _known from stockroom.alerts a where a.cause = _cause and a.state <> 'resolved' for no key update;
    if found then
        update stockroom.alerts a
           set kind = _kind, severity = _severity, sentence = _sentence, facts = _facts, last_at = now(),
               seen = a.seen + (a.kind <> _kind)::int, snoozed_until = case when a.kind = _kind or not _is_out then a.snoozed_until end
         where a.id = _known.id;
        insert into stockroom.alert_history (alert_id, who, what, note)
        select _known.id, 'Stockroom', case when _is_out then 'worsened' else 'eased' end, _sentence where _known.kind <> _kind;
    elsif _may_open then
        with opened as (
            insert into stockroom.alerts (kind, severity, cause, sentence, facts, variant_id)
            values (_kind, _severity, _cause, left(_sentence, 1000), _facts, _v.id)
            returning id
        )
        insert into stockroom.alert_history (alert_id, who, what) select o.id, 'Stockroom', 'opened' from opened o;
    end if;
end $$;

-- End the case of a variant that is neither low nor out of stock any more, if there is one, saying why.
create function stockroom.end_stock_case(_v public.product_variants) returns void
    language sql as $$
    with resolved as (
        update stockroom.alerts a
           set state = 'resolved', resolved_at = now(), resolved_by = 'Stockroom',
               resolution = case when not _v.is_active then 'The variant is inactive.'
                                 when _v.reorder_point = 0 then 'It has no reorder point any more.'
                                 else format('%s on hand, above the reorder point of %s.', _v.stock_quantity, _v.reorder_point) end
         where a.cause = 'stock:' || _v.id and a.state <> 'resolved'
        returning a.id, a.resolution
    )
    insert into stockroom.alert_history (alert_id, who, what, note)
    select r.id, 'Stockroom', 'resolved', r.resolution from resolved r;
$$;

-- Judge a variant whose state or reorder point changed, by what it is when its transaction commits: of all the changes in one
-- transaction only the last counts, so a past that comes in as a whole is judged once. The row is ours, so nobody is beside us.
create function stockroom.judge_stock() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _v public.product_variants;
    _state int := stockroom.stock_state(new.stock_quantity, new.reorder_point, new.is_active, new.movement_sequence);
    _is_crossed boolean := _state <> stockroom.stock_state(
        old.stock_quantity, old.reorder_point, old.is_active, old.movement_sequence);
begin
    if not _is_crossed and old.reorder_point = new.reorder_point then
        return null;  -- it was low before
    end if;
    select * into _v from public.product_variants v where v.id = new.id;
    if _state <> stockroom.stock_state(_v.stock_quantity, _v.reorder_point, _v.is_active, _v.movement_sequence) then
        return null;  -- a later change of this transaction decides
    elsif _state = 2 then
        perform stockroom.end_stock_case(_v);
    else
        perform stockroom.tell_stock_case(_v, old.movement_sequence, _is_crossed);
    end if;
    return null;
end $$;

-- The condition is read anew in every statement, so it is short: whatever crosses is low before or after. A hold changes none of
-- these columns.
create constraint trigger product_variants_stock_state
    after update of stock_quantity, movement_sequence, reorder_point, is_active on public.product_variants
    deferrable initially deferred for each row
    when (old.stock_quantity <= old.reorder_point or new.stock_quantity <= new.reorder_point)
    execute function stockroom.judge_stock();

-- What is low already gets its case now: nobody would see it cross.
select stockroom.tell_stock_case(v, 0, true)
  from public.product_variants v
 where stockroom.stock_state(v.stock_quantity, v.reorder_point, v.is_active, v.movement_sequence) < 2
 order by v.id;
