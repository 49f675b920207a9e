-- An exchange: units of a line come back and another variant goes out, in one operation with one undo. The unit that goes out is a
-- line of its own. It counts as paid with the unit that came back, so it has no price.

-- Refuse an exchange of a line that is of another order or has fewer units with the buyer, and an unknown condition. The lines are
-- locked. Refuses: SK006, SK008.
create function stockroom_api.refuse_exchange(_order_id bigint, _line_id bigint, _units int, _condition text) returns void
    language plpgsql as $$
begin
    perform stockroom_api.refuse_goods(_order_id, array[row (_line_id, _condition, _units)::stockroom_api.decision]);
    if not exists (select from stockroom.order_lines l where l.id = _line_id and l.state in ('taken', 'resolved', 'failed')) then
        perform stockroom_api.refuse_value('line', 'was replaced, so nothing of it can come back');
    end if;
end $$;

-- Exchange units of an order's line for a variant: they come back to the shelf, or damaged, and as many units of the variant go out.
-- `_seen` is what the page showed (see decided_until). Refuses: SK001, SK002, SK003, SK006, SK008, SK009, SK010, SK013.
create function stockroom_api.exchange(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _line_id bigint, _condition text,
    _units int, _variant_id uuid, _note text, _seen text
) returns setof stockroom_api.posting
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'exchange',
        format('%s %s %s %s %s %L', _order_id, _line_id, _condition, _units, _variant_id, _note), _user_id, _who);
    _said stockroom_api.decision[] := array[row (_line_id, _condition, _units)::stockroom_api.decision];
    _order stockroom.orders;
    _new_id bigint;
begin
    if _operation_id is null then
        return query select * from stockroom_api.replay(_key);
        return;
    end if;
    _order := stockroom_api.lock_order(_order_id);
    perform stockroom_api.lock_goods(_order_id);
    perform stockroom_api.refuse_decided(_order_id, _seen);
    perform stockroom_api.refuse_exchange(_order_id, _line_id, _units, _condition);
    perform stockroom_api.known_sku(_variant_id);
    perform stockroom_api.lock_free_of_expired(array(
        select l.variant_id from stockroom.order_lines l where l.id = _line_id union select _variant_id));
    perform stockroom_api.count_restored(_order_id, _said);
    insert into stockroom.order_lines (order_id, position, code, size, name, quantity, variant_id, state, taken, exchange_of)
    select l.order_id, (select max(x.position) + 1 from stockroom.order_lines x where x.order_id = _order_id and x.position >= 0),
           v.sku, v.size, p.name, _units, v.id, 'taken', _units, coalesce(l.exchange_of, l.id)
      from stockroom.order_lines l
     cross join public.product_variants v
      left join public.products p on p.id = v.product_id
     where l.id = _line_id and v.id = _variant_id
    returning id into _new_id;
    return query select * from stockroom_api.post_exchange(_operation_id, _who, _order, _said, _new_id, _note);
    perform stockroom_api.note_decisions(_operation_id, _who, null, _said, _note);
end $$;

-- Post the movements of an exchange: the restoration, unless the goods are damaged, and the sale. The variants are locked. Refuses:
-- SK002, SK008.
create function stockroom_api.post_exchange(
    _operation_id bigint, _who text, _order stockroom.orders, _said stockroom_api.decision[], _new_id bigint, _note text
) returns setof stockroom_api.posting
    language plpgsql as $$
declare
    _reference text := left(coalesce(_order.number, _order.payment_id), 200);
    _line_ids bigint[];
    _lines stockroom.line[];
begin
    select array_agg(g.line_id order by g.place), array_agg(row (g.variant_id, g.kind, 'exchange', g.units, null, 'order', _reference,
               null, _note)::stockroom.line order by g.place)
      into _line_ids, _lines
      from (select 1 as place, l.id as line_id, l.variant_id, 'restoration' as kind, d.quantity as units
              from unnest(_said) d join stockroom.order_lines l on l.id = d.line_id where d.disposition = 'restock'
            union all
            select 2, l.id, l.variant_id, 'sale', -l.quantity from stockroom.order_lines l where l.id = _new_id) g;
    perform stockroom_api.check_lines(_lines);
    return query select * from stockroom_api.post_of_order(_operation_id, _who, _lines, _line_ids);
end $$;

grant execute on function
    stockroom_api.exchange(text, bigint, bigint, text[], text, bigint, bigint, text, int, uuid, text, text)
    to stockroom_app;
