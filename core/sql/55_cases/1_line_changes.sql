-- Changing the lines of an order by hand: what was taken for a wrong line goes back, what should have been taken goes out. A line
-- that a correction leaves out is kept as 'replaced', without units. 3_lines.sql has what people do with it.

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
        when exists (select from unnest(_lines) l join stockroom.order_lines x on x.id = l.line_id where x.exchange_of is not null) then
            'name a unit that went out in an exchange, which only its undo takes back'
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

-- The parts of the bundles among these lines, which stay with them. A bundle with another quantity would need other parts, so it is
-- refused. Refuses: SK008.
create function stockroom_api.parts_kept(_lines stockroom_api.entered_line[]) returns stockroom_api.entered_line[]
    language plpgsql as $$
declare
    _changed text := (
        select string_agg(x.code, ', ' order by x.position) from unnest(_lines) l join stockroom.order_lines x on x.id = l.line_id
         where x.state = 'bundle' and x.quantity <> l.quantity);
begin
    if _changed is not null then
        perform stockroom_api.refuse_value('lines', format('contain a bundle, whose quantity cannot be changed: %s. Nothing was changed. '
            'Remove its line and enter its parts', _changed));
    end if;
    return array(
        select row (x.id, x.variant_id, x.quantity, x.unit_price, null, null)::stockroom_api.entered_line
          from unnest(_lines) l join stockroom.order_lines x on x.part_of = l.line_id
         where x.state <> 'replaced' order by x.id);
end $$;

-- The lines of an order's exchanges, which stay with its other lines: only an undo of the exchange takes them back.
create function stockroom_api.exchanges_kept(_order_id bigint, _lines stockroom_api.entered_line[])
    returns stockroom_api.entered_line[]
    language sql stable as $$
    select array(
        select row (x.id, x.variant_id, x.quantity, x.unit_price, null, null)::stockroom_api.entered_line
          from stockroom.order_lines x
         where x.order_id = _order_id and x.exchange_of is not null and x.state <> 'replaced'
           and not exists (select from unnest(_lines) l where l.line_id = x.id)
         order by x.id);
$$;

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
              join stockroom_api.line_movements x on x.line_id = k.line_id
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
    perform stockroom_api.post_of_order(_operation_id, _who, _lines, _of);
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
    perform stockroom_api.replace_lines(_order.id, array(
        select x.id from stockroom.order_lines x
         where x.order_id = _order.id and x.state <> 'replaced' and not exists (select from unnest(_lines) l where l.line_id = x.id)));
    update stockroom.order_lines x
       set quantity = w.quantity, unit_price = w.unit_price, taken = w.taken, oversold = w.oversold, position = w.place,
           state = case when _order.policy = 'skip' then 'skipped' when w.settled is not null then w.settled
                        when w.taken + w.oversold < w.quantity then 'failed' when w.oversold > 0 then 'resolved' else 'taken' end,
           cause = case when _order.policy = 'skip' or w.settled is not null or w.taken + w.oversold = w.quantity then null
                        when x.state = 'failed' then x.cause
                        when x.variant_id is null then 'unknown_variant' else 'insufficient_stock' end
      from (select y.id, l.quantity, l.unit_price, coalesce(l.place, y.position) as place, least(y.taken, l.quantity) as taken,
                   least(coalesce(l.oversold, y.oversold), l.quantity - least(y.taken, l.quantity)) as oversold,
                   nullif(a.kind, 'variant') as settled
              from unnest(_lines) l
              join stockroom.order_lines y on y.id = l.line_id
              left join stockroom.sku_aliases a on a.id = y.meaning_id and y.part_of is null) w
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
    -- Nobody waits for the goods of an order that was refunded in full before anything left.
    if not exists (select from stockroom.order_lines l where l.order_id = _order.id and l.taken > 0) then
        perform stockroom_api.settle_refunded(array[_order.id]);
    end if;
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
              from stockroom.order_lines l where l.order_id = _order.id and l.state <> 'replaced' and l.part_of is null and l.exchange_of is null
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
                    stockroom_api.order_name(_order)), _order.id, _rest, _order.currency, 'resolved', now(), _who, _resolution)
            returning id
        )
        insert into stockroom.alert_history (alert_id, who, what, note)
        select s.id, h.who, h.what, h.note
          from settled s cross join (values ('Stockroom', 'opened', null), (_who, 'resolved', _resolution)) h (who, what, note);
    end if;
    perform stockroom_api.resolve_cause(_cause, _who, _resolution);
end $$;
