-- Lines by hand: people enter the lines of an order whose cart was not read, or correct lines that were read wrong. What was taken
-- for a wrong line goes back, what should have been taken goes out, in one operation. A line that a correction leaves out is kept
-- as 'replaced', without units; each change keeps the order as it was before, so that it can be undone in one step.

-- A line as a person wants it. With `line_id` it is a line that the order has or had. `oversold` and `place` are set by an undo.
create type stockroom_api.entered_line as (
    line_id bigint, variant_id uuid, quantity int, unit_price bigint, oversold int, place int
);

-- What a page shows of the lines of an order, as a digest.
create function stockroom_api.lines_seen(_order_id bigint) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select md5(jsonb_build_array(o.cart_state, o.extras, (
               select jsonb_agg(jsonb_build_array(l.id, l.variant_id, l.quantity, l.unit_price, l.restored) order by l.id)
                 from stockroom.order_lines l where l.order_id = o.id and l.state <> 'replaced'))::text)
      from stockroom.orders o where o.id = _order_id;
$$;

-- The cart and the lines of an order, to be kept with a change. `case`: the open case about its cart.
create function stockroom_api.lines_now(_order_id bigint) returns jsonb
    language sql stable as $$
    select jsonb_build_object('cart_state', o.cart_state, 'cart_source', o.cart_source, 'difference', o.difference, 'extras', o.extras,
               'case', (select a.id from stockroom.alerts a where a.cause = 'cart:' || o.payment_id and a.state <> 'resolved'),
               'said', string_agg(format('%s × %s', l.quantity, coalesce(v.sku, l.code)), ', ' order by l.position) filter (where l.id is not null),
               'lines', coalesce(jsonb_agg(jsonb_build_object('line_id', l.id, 'variant_id', l.variant_id, 'quantity', l.quantity,
                   'unit_price', l.unit_price, 'oversold', l.oversold, 'place', l.position) order by l.position)
                   filter (where l.id is not null), '[]'))
      from stockroom.orders o
      left join stockroom.order_lines l on l.order_id = o.id and l.state <> 'replaced'
      left join public.product_variants v on v.id = l.variant_id
     where o.id = _order_id
     group by o.id;
$$;

-- Refuse lines that cannot be entered: the order changed since the page was opened, a value is impossible, a line is of another
-- order, a variant is unknown. Refuses: SK001, SK008.
create function stockroom_api.refuse_entered(_order stockroom.orders, _seen text, _lines stockroom_api.entered_line[])
    returns void
    language plpgsql as $$
declare
    _changed_by text := (select c.changed_by from stockroom.line_changes c where c.order_id = _order.id order by c.id desc limit 1);
    _unknown jsonb;
    _why text;
begin
    if _seen is distinct from stockroom_api.lines_seen(_order.id) then
        perform stockroom_api.refuse_value('lines', format('of this order have changed since you opened them%s. Nothing was changed; '
            'look at the lines as they are now', ', last by ' || _changed_by), '{"changed": true}');
    end if;
    _why := case
        when cardinality(_lines) not between 1 and 200 then 'must be 1 to 200'
        when exists (select from unnest(_lines) l where l.quantity is null or l.quantity not between 1 and 1000000) then
            'need a whole quantity from 1 to 1,000,000 each'
        when exists (select from unnest(_lines) l where l.unit_price not between 0 and 1000000000000) then 'need a price from 0 up'
        when exists (select from unnest(_lines) l where l.line_id is not null and not exists (
                select from stockroom.order_lines x
                 where x.id = l.line_id and x.order_id = _order.id and x.state <> 'replaced')) then 'name a line of another order'
        when exists (select from unnest(_lines) l where l.line_id is not null group by l.line_id having count(*) > 1) then
            'name the same line twice'
        when exists (select from unnest(_lines) l where l.line_id is null and l.variant_id is null) then 'need a variant each' end;
    if _why is not null then
        perform stockroom_api.refuse_value('lines', _why);
    end if;
    select jsonb_agg(l.variant_id) into _unknown from unnest(_lines) l
     where l.variant_id is not null and not exists (select from public.product_variants v where v.id = l.variant_id);
    if _unknown is not null then
        perform stockroom_api.refuse('SK001', 'A variant is unknown.', jsonb_build_object('variants', _unknown));
    end if;
end $$;

-- Refuse to leave a line with fewer units than were put back on the shelf after a refund. Refuses: SK008.
create function stockroom_api.refuse_restored(_order_id bigint, _lines stockroom_api.entered_line[]) returns void
    language plpgsql as $$
declare
    _kept text := (
        select string_agg(format('%s of %s', x.restored, coalesce(v.sku, x.code)), ', ' order by x.position)
          from stockroom.order_lines x
          left join public.product_variants v on v.id = x.variant_id
          left join unnest(_lines) l on l.line_id = x.id
         where x.order_id = _order_id and x.restored > coalesce(l.quantity, 0));
begin
    if _kept is not null then
        perform stockroom_api.refuse_value('lines', format('must keep the units that were put back on the shelf after a refund: %s', _kept));
    end if;
end $$;

-- Put back what these lines took beyond the units they keep: undo their sales, and sell the kept units again. The variants are
-- locked. The levels only rise, so there is always enough.
create function stockroom_api.take_back(
    _order stockroom.orders, _line_ids bigint[], _kept int[], _operation_id bigint, _who text, _note text
) returns void
    language plpgsql as $$
declare
    _lines stockroom.line[];
    _of bigint[];
begin
    select array_agg(p.line order by p.line_id, p.place), array_agg(p.line_id order by p.line_id, p.place) into _lines, _of
      from (select k.line_id, m.id as place, row (m.variant_id, 'sale', 'undo', -m.quantity, null, m.reference_type, m.reference_id,
                                                  m.id, _note)::stockroom.line as line
              from unnest(_line_ids) k (line_id)
              join stockroom.order_line_movements x on x.line_id = k.line_id
              join public.stock_movements m on m.id = x.movement_id and m.movement_type = 'sale' and m.quantity < 0
             where not exists (select from public.stock_movements u where u.reverses_id = m.id)
            union all
            select l.id, 9223372036854775807, row (l.variant_id, 'sale', 'stock_decrease', -k.kept, null, 'order',
                                                   left(coalesce(_order.number, _order.payment_id), 200), null, _note)::stockroom.line
              from unnest(_line_ids, _kept) k (line_id, kept)
              join stockroom.order_lines l on l.id = k.line_id
             where k.kept > 0) p;
    if _lines is null then
        return;
    end if;
    perform stockroom_api.check_lines(_lines);
    insert into stockroom.order_line_movements (movement_id, line_id)
    select p.movement_id, _of[p.n]
      from stockroom_api.post_lines(_operation_id, _who, _lines) with ordinality
           p (operation_id, replayed, movement_id, variant_id, sku, movement_type, reason, quantity, quantity_before,
              quantity_after, variant_sequence, n);
end $$;

-- Lock the variants of an order's lines and of the lines that it gets, in ascending id, and consume its hold.
create function stockroom_api.lock_for_lines(_order stockroom.orders, _lines stockroom_api.entered_line[]) returns void
    language plpgsql as $$
declare
    _held uuid[] := array(select h.id from stockroom_api.holds_of(array[_order.id]) h where _order.policy <> 'skip');
begin
    perform stockroom_api.lock_free_of_expired(array(
        select l.variant_id from stockroom.order_lines l where l.order_id = _order.id and l.variant_id is not null
        union
        select l.variant_id from unnest(_lines) l where l.variant_id is not null), _held);
end $$;

-- Give an order exactly these lines. A line that it has or had keeps its history; one that is left out is replaced. The order and
-- its lines are locked.
create function stockroom_api.change_lines(
    _order stockroom.orders, _lines stockroom_api.entered_line[], _operation_id bigint, _user_id bigint, _who text, _note text
) returns void
    language plpgsql as $$
declare
    _ids bigint[];
    _kept int[];
begin
    perform stockroom_api.refuse_restored(_order.id, _lines);
    perform stockroom_api.lock_for_lines(_order, _lines);
    select array_agg(x.id), array_agg(least(x.taken, coalesce(l.quantity, 0))) into _ids, _kept
      from stockroom.order_lines x left join unnest(_lines) l on l.line_id = x.id
     where x.order_id = _order.id and x.taken > coalesce(l.quantity, 0);
    perform stockroom_api.take_back(_order, _ids, _kept, _operation_id, _who, _note);
    update stockroom.order_lines x
       set state = 'replaced', cause = null, taken = 0, oversold = 0, position = w.place
      from (select y.id, least(min(y.position) over (), 0) - row_number() over (order by y.position)::int as place
              from stockroom.order_lines y where y.order_id = _order.id) w
     where x.id = w.id and x.state <> 'replaced' and not exists (select from unnest(_lines) l where l.line_id = x.id);
    update stockroom.order_lines x
       set quantity = w.quantity, unit_price = w.unit_price, taken = w.taken, oversold = w.oversold, position = w.place,
           state = case when _order.policy = 'skip' then 'skipped' when w.taken + w.oversold < w.quantity then 'failed'
                        when w.oversold > 0 then 'resolved' else 'taken' end,
           cause = case when _order.policy = 'skip' or w.taken + w.oversold = w.quantity then null when x.state = 'failed' then x.cause
                        when x.variant_id is null then 'unknown_variant' else 'insufficient_stock' end
      from (select y.id, l.quantity, l.unit_price, coalesce(l.place, y.position) as place, least(y.taken, l.quantity) as taken,
                   least(coalesce(l.oversold, y.oversold), l.quantity - least(y.taken, l.quantity)) as oversold
              from unnest(_lines) l join stockroom.order_lines y on y.id = l.line_id) w
     where x.id = w.id;
    insert into stockroom.order_lines (order_id, position, code, size, name, unit_price, quantity, variant_id, state, cause)
    select _order.id, greatest(g.highest, 0) + row_number() over (order by l.n), v.sku, v.size, p.name, l.unit_price, l.quantity, v.id,
           case _order.policy when 'skip' then 'skipped' else 'failed' end,
           case _order.policy when 'skip' then null else 'insufficient_stock' end
      from unnest(_lines) with ordinality l (line_id, variant_id, quantity, unit_price, oversold, place, n)
      join public.product_variants v on v.id = l.variant_id
      left join public.products p on p.id = v.product_id
     cross join (select max(z.position) as highest from stockroom.order_lines z where z.order_id = _order.id) g
     where l.line_id is null;
    if _order.policy <> 'skip' then
        perform stockroom_api.take_lines(array[_order.id], array[_operation_id], 'stock_decrease', _user_id, _who, _note);
    end if;
    update stockroom.order_lines set state = 'resolved' where order_id = _order.id and state = 'taken' and oversold > 0;
    perform stockroom_api.review_orders(array[_order.id], _who);
end $$;

-- Note that the cart of an order is known by hand, and what was paid in addition to its lines: `_extras` are shipping and tax less
-- discounts. The case about its cart ends. A payment that still differs needs a reason, which that case keeps. Refuses: SK008.
create function stockroom_api.settle_cart(_order stockroom.orders, _extras bigint, _who text, _note text) returns void
    language plpgsql as $$
declare
    _cause text := 'cart:' || _order.payment_id;
    _resolution text := left('Lines entered by hand' || coalesce(': ' || _note, ''), 1000);
    _rest bigint;
begin
    select case when abs(g.rest) <= g.lines then 0 else g.rest end into _rest
      from (select _order.amount - sum(l.quantity * l.unit_price) - coalesce(_extras, 0) as rest, count(*) as lines
              from stockroom.order_lines l where l.order_id = _order.id and l.state <> 'replaced'
            having count(*) = count(l.unit_price) and _order.amount > 0) g;
    if _extras not between -1000000000000 and 1000000000000 then
        perform stockroom_api.refuse_value('shipping', 'is out of range');
    elsif _rest <> 0 and _note is null then
        perform stockroom_api.refuse_value('note', 'is needed: the lines, shipping and tax do not add up to what was paid');
    end if;
    update stockroom.orders
       set cart_state = 'read', cart_source = 'by hand', difference = _rest,
           extras = case when _rest is not null then coalesce(_extras, 0) end
     where id = _order.id;
    if _rest <> 0 and not exists (select from stockroom.alerts a where a.cause = _cause and a.state <> 'resolved') then
        with settled as (
            insert into stockroom.alerts (kind, severity, cause, sentence, order_id, money, currency, state, resolved_at, resolved_by,
                   resolution)
            values ('amount_mismatch', 'warning', _cause, format('Order %s: its lines do not add up to what was paid',
                    coalesce(_order.number, _order.payment_id)), _order.id, _rest, _order.currency, 'resolved', now(), _who, _resolution)
            returning id
        )
        insert into stockroom.alert_history (alert_id, who, what, note)
        select s.id, h.who, h.what, h.note
          from settled s cross join (values ('Stockroom', 'opened', null), (_who, 'resolved', _resolution)) h (who, what, note);
    end if;
    perform stockroom_api.resolve_cause(_cause, _who, _resolution);
end $$;

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
        coalesce(_order.number, _order.payment_id), jsonb_build_object('lines', _before ->> 'said'),
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
begin
    if _operation_id is not null then
        select * into _later from stockroom.line_changes c where c.order_id = _order.id and c.id > _change_id order by c.id limit 1;
        if _was is null or _later.id is not null then
            perform stockroom_api.refuse_value('change', case when _was is null then 'is an undo itself; enter the lines again instead'
                when _later.undoes = _change_id then format('was undone by %s already', _later.changed_by)
                else format('is not the latest: %s has changed the lines since. Nothing was changed', _later.changed_by) end);
        end if;
        perform 1 from stockroom.order_lines l where l.order_id = _order.id order by l.id for no key update;
        perform stockroom_api.change_lines(_order, array(
            select l from jsonb_populate_recordset(null::stockroom_api.entered_line, _was -> 'lines') l),
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
