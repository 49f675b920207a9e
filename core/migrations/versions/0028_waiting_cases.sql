-- How long a case may wait for a person before it is sent once more: hours, or null for never. One row.
create table stockroom.waiting_limits (
    only_row     boolean primary key default true check (only_row),
    urgent_hours int default 4 check (urgent_hours between 1 and 1000),
    other_hours  int default 24 check (other_hours between 1 and 1000),
    level_hours  int check (level_hours between 1 and 1000)
);
insert into stockroom.waiting_limits default values;

-- When a case was sent once more, and the list that shows it, as CaseList in core/alerts/reads.py. `failed`: stock may differ from
-- what was paid for or refunded. `decisions`: stock is right, and a person decides about money. `levels`: low or out of stock.
-- `machinery`: the installation.
alter table stockroom.alerts
    add column escalated_at timestamptz,
    add column list text not null generated always as (
        case when kind in ('double_payment', 'dispute') then 'decisions'
             when kind in ('low_stock', 'out_of_stock') then 'levels'
             when kind in ('proof_failed', 'job_stalled', 'bad_signature', 'backup_failed', 'slowdown') then 'machinery'
             else 'failed' end) stored;
alter table stockroom.alert_history drop constraint alert_history_what_check;
alter table stockroom.alert_history add constraint alert_history_what_check check (what in ('opened', 'repeated', 'worsened',
    'eased', 'retried', 'acknowledged', 'snoozed', 'woken', 'assigned', 'escalated', 'resolved'));

-- The place of a destination in the order in which cases are sent on. A destination can receive only cases that waited too long.
alter table stockroom.destinations add column place int not null default 1 check (place between 1 and 99);
alter table stockroom.destinations drop constraint destinations_min_severity_check;
alter table stockroom.destinations add constraint destinations_min_severity_check
    check (min_severity in ('urgent', 'warning', 'note', 'waited'));

-- Update the case of a variant that is low or out of stock; if there is none, open one if `_may_open`. The movement in its facts
-- is the last one after `_sequence` that changed the state; a changed reorder point has none. The history keeps the sentence.
create or replace function stockroom.tell_stock_case(_v public.product_variants, _sequence int, _may_open boolean) returns void
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
        insert into stockroom.alert_history (alert_id, who, what, note)
        select o.id, 'Stockroom', 'opened', _sentence from opened o;
    end if;
end $$;
