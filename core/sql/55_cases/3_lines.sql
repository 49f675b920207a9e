-- Lines by hand: people enter the lines of an order whose cart was not read, or correct lines that were read wrong. It is one
-- operation. Each change keeps the order as it was before, so that it can be undone in one step.

-- What a change of lines did: units that went out and came back, and the lines that are open now.
create function stockroom_api.lines_outcome(_key text)
    returns table (change_id bigint, order_id bigint, went bigint, came_back bigint, open_lines bigint, difference bigint)
    language sql stable as $$
    select c.id, c.order_id, coalesce(-sum(m.units) filter (where m.units < 0), 0)::bigint,
           coalesce(sum(m.units) filter (where m.units > 0), 0)::bigint,
           (select count(*) from stockroom.order_lines l where l.order_id = c.order_id and l.state = 'failed'), o.difference
      from stockroom.operations p
      join stockroom.line_changes c on c.operation_id = p.id
      join stockroom.orders o on o.id = c.order_id
      left join (select s.operation_id, s.variant_id, sum(s.quantity) as units from public.stock_movements s
                  where s.operation_id = (select x.id from stockroom.operations x where x.key = _key)
                  group by 1, 2) m on m.operation_id = p.id
     where p.key = _key
     group by c.id, o.id;
$$;

-- Keep a change of lines with the order before and after it, and note it in the audit log.
create function stockroom_api.note_lines(
    _order stockroom.orders, _before jsonb, _operation_id bigint, _undoes bigint, _user_id bigint, _who text, _note text
) returns void
    language plpgsql as $$
declare
    _after jsonb := stockroom_api.lines_now(_order.id);
begin
    insert into stockroom.line_changes (order_id, operation_id, undoes, before, after, note, changed_by)
    values (_order.id, _operation_id, _undoes, _before, _after, _note, _who);
    perform stockroom_api.note_change(_user_id, _who, case when _undoes is null then 'lines_set' else 'lines_undone' end,
        stockroom_api.order_name(_order), jsonb_build_object('lines', _before ->> 'said'),
        jsonb_build_object('lines', _after ->> 'said'));
end $$;

-- Make `_lines` the lines of an order, in one operation. `_seen` is the digest of the lines that the page showed. Refuses: SK001,
-- SK003, SK008, SK009, SK010.
create function stockroom_api.set_lines(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _seen text, _lines jsonb,
    _extras bigint, _note text
) returns table (change_id bigint, order_id bigint, went bigint, came_back bigint, open_lines bigint, difference bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order(_order_id);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'set_lines', format('%s %s %s %L %L', _order_id, _seen, _lines, _extras, _note), _user_id, _who);
    _before jsonb := stockroom_api.lines_now(_order_id);
    _said stockroom_api.entered_line[] := array(
        select row (l.line_id, l.variant_id, l.quantity, l.unit_price, null, null)::stockroom_api.entered_line
          from jsonb_populate_recordset(null::stockroom_api.entered_line, _lines) l);
begin
    if _operation_id is not null then
        perform 1 from stockroom.order_lines l where l.order_id = _order_id order by l.id for no key update;
        perform stockroom_api.refuse_entered(_order, _seen, _said);
        -- Another variant on a line means another line.
        _said := array(
            select row (x.id, coalesce(l.variant_id, x.variant_id), l.quantity, l.unit_price, null, null)::stockroom_api.entered_line
              from unnest(_said) with ordinality l (line_id, variant_id, quantity, unit_price, oversold, place, n)
              left join stockroom.order_lines x
                on x.id = l.line_id and (l.variant_id is null or x.variant_id is not distinct from l.variant_id)
             order by l.n);
        _said := _said || stockroom_api.parts_kept(_said) || stockroom_api.exchanges_kept(_order_id, _said);
        perform stockroom_api.change_lines(_order, _said, _operation_id, _user_id, _who, coalesce(_note, 'Lines entered by hand'));
        perform stockroom_api.settle_cart(_order, _extras, _who, _note);
        perform stockroom_api.note_lines(_order, _before, _operation_id, null, _user_id, _who, _note);
    end if;
    return query select * from stockroom_api.lines_outcome(_key);
end $$;

-- Take back the latest change of an order's lines: the order becomes what it was, and its wrong lines are taken again as far as
-- there is enough. A case about its cart that the change ended is opened again. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.undo_lines(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _change_id bigint
) returns table (change_id bigint, order_id bigint, went bigint, came_back bigint, open_lines bigint, difference bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order((select c.order_id from stockroom.line_changes c where c.id = _change_id));
    _operation_id bigint := stockroom_api.claim_operation(_key, 'undo_lines', _change_id::text, _user_id, _who);
    _before jsonb := stockroom_api.lines_now(_order.id);
    _was jsonb := (select c.before from stockroom.line_changes c where c.id = _change_id and c.undoes is null);
    _later stockroom.line_changes;
    _lines stockroom_api.entered_line[];
begin
    if _operation_id is not null then
        select * into _later from stockroom.line_changes c where c.order_id = _order.id and c.id > _change_id order by c.id limit 1;
        if _was is null or _later.id is not null then
            perform stockroom_api.refuse_value('change', case when _was is null then 'is an undo itself; enter the lines again instead'
                when _later.undoes = _change_id then format('was undone by %s already', _later.changed_by)
                else format('is not the latest: %s has changed the lines since. Nothing was changed', _later.changed_by) end);
        end if;
        perform 1 from stockroom.order_lines l where l.order_id = _order.id order by l.id for no key update;
        _lines := array(select l from jsonb_populate_recordset(null::stockroom_api.entered_line, _was -> 'lines') l);
        perform stockroom_api.change_lines(_order, _lines || stockroom_api.exchanges_kept(_order.id, _lines),
            _operation_id, _user_id, _who, 'Undo of lines entered by hand');
        update stockroom.orders o
           set cart_state = _was ->> 'cart_state', cart_source = _was ->> 'cart_source',
               difference = (_was ->> 'difference')::bigint, extras = (_was ->> 'extras')::bigint
         where o.id = _order.id;
        perform stockroom_api.open_alerts(array(
            select row (a.kind, a.severity, a.cause, a.sentence, a.facts, a.order_id, a.refund_id, a.variant_id, a.event_id, a.units,
                        a.money, a.currency)::stockroom_api.new_alert
              from stockroom.alerts a where a.id = (_was ->> 'case')::bigint));
        perform stockroom_api.note_lines(_order, _before, _operation_id, _change_id, _user_id, _who, null);
    end if;
    return query select * from stockroom_api.lines_outcome(_key);
end $$;

-- The changes of an order's lines by people. `is_latest`: this one can be undone.
create view stockroom_api.line_changes as
select c.id as change_id, c.order_id, c.changed_by, c.changed_at, c.note, c.before ->> 'said' as before, c.after ->> 'said' as after,
       c.undoes is null and not exists (
           select from stockroom.line_changes n where n.order_id = c.order_id and n.id > c.id) as is_latest
  from stockroom.line_changes c;

-- What a page needs of an order to enter its lines. `seen` goes back with the lines.
create view stockroom_api.order_sheets as
select o.id as order_id, o.amount, o.currency, o.policy, o.cart_state, o.cart_raw, o.extras, o.readings,
       stockroom_api.lines_seen(o.id) as seen
  from stockroom.orders o;

-- The messages that the payment of an order came with.
create view stockroom_api.order_messages as
select o.id as order_id, m.id as message_id, m.body
  from stockroom.orders o
  join stockroom_api.paid_messages m on m.payment_id = o.payment_id;

grant select on stockroom_api.line_changes, stockroom_api.order_sheets, stockroom_api.order_messages to stockroom_app;
grant execute on function
    stockroom_api.lines_seen(bigint),
    stockroom_api.set_lines(text, bigint, bigint, text[], text, bigint, text, jsonb, bigint, text),
    stockroom_api.undo_lines(text, bigint, bigint, text[], text, bigint)
    to stockroom_app;
