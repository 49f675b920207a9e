-- What people do with the meaning of a code: give it, for good or for one line, change it, end it, reopen the orders it touched.

-- The parts of a bundle as JSON: [{variant_id, quantity}].
create type stockroom_api.told_part as (variant_id uuid, quantity int);

-- Refuse a meaning that is none: a variant that is not known, a bundle without parts, or bundle or no goods for a code that is the
-- catalogue's name of a variant. Refuses: SK001, SK008.
create function stockroom_api.refuse_meaning(_code text, _kind text, _variant_id uuid, _parts stockroom_api.told_part[]) returns void
    language plpgsql as $$
declare
    _known text;
begin
    if _kind = 'variant' then
        perform stockroom_api.known_sku(_variant_id);
        return;
    end if;
    perform stockroom_api.known_sku((p).variant_id) from unnest(_parts) p where _kind = 'bundle';
    if _kind is null or _kind not in ('bundle', 'no_goods') then
        perform stockroom_api.refuse_value('meaning', 'must be a variant, a bundle or no goods');
    elsif _kind = 'bundle' and (cardinality(_parts) not between 1 and 50
            or exists (select from unnest(_parts) p where (p).quantity is null or (p).quantity not between 1 and 1000)) then
        perform stockroom_api.refuse_value('bundle', 'needs 1 to 50 variants, and 1 to 1,000 units of each. Nothing was changed');
    elsif _kind = 'bundle' and (select count(distinct (p).variant_id) from unnest(_parts) p) < cardinality(_parts) then
        perform stockroom_api.refuse_value('bundle', 'names the same variant twice. Nothing was changed');
    end if;
    select string_agg(v.sku, ', ' order by v.sku) into _known
      from stockroom_api.meanings(_code, null) m join public.product_variants v on v.id = m.variant_id
     where m.rank < 4;
    if _known is not null then
        perform stockroom_api.refuse_value('code', format(
            'is the SKU, id, barcode or price of a variant: %s. Nothing was changed', left(_known, 1000)));
    end if;
end $$;

-- Store a meaning and its parts; returns its id. `_order_id` null is for good.
create function stockroom_api.add_meaning(
    _who text, _code text, _kind text, _variant_id uuid, _parts stockroom_api.told_part[], _order_id bigint
) returns bigint
    language plpgsql as $$
declare
    _id bigint;
begin
    insert into stockroom.sku_aliases (code, kind, variant_id, order_id, added_by)
    values (_code, _kind, case _kind when 'variant' then _variant_id end, _order_id, _who)
    returning id into _id;
    insert into stockroom.code_parts (meaning_id, variant_id, quantity)
    select _id, (p).variant_id, (p).quantity from unnest(_parts) p where _kind = 'bundle';
    return _id;
end $$;

-- Refuse if the meaning of a code is not the one that the caller has seen; say who gave or ended it meanwhile. Refuses: SK008.
create function stockroom_api.refuse_other_meaning(_code text, _now stockroom.sku_aliases, _seen bigint) returns void
    language plpgsql as $$
declare
    _ended stockroom.sku_aliases;
begin
    if _now.id is not null and _now.id is distinct from _seen then
        perform stockroom_api.refuse_value('code', format('was given a meaning by %s meanwhile: %s means %s. Nothing was changed. '
            'Change it in Settings, Codes, if it is wrong', _now.added_by, _code, stockroom_api.meaning_text(_now.id)),
            jsonb_build_object('meaning_id', _now.id));
    elsif _now.id is null and _seen is not null then
        select * into _ended from stockroom.sku_aliases a where a.id = _seen;
        perform stockroom_api.refuse_value('code', format('has no meaning anymore: %s ended it. Nothing was changed', _ended.ended_by));
    end if;
end $$;

-- Give a code its meaning from now on. `_seen` is the meaning that the caller has seen in force, which then ends, or null; the same
-- meaning again changes nothing. Returns its id and the orders with an open line that waits for it, the first paid first. Refuses: SK001, SK008, SK009,
-- SK010.
create function stockroom_api.give_meaning(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _code text, _kind text, _variant_id uuid, _parts jsonb, _seen bigint
) returns table (meaning_id bigint, orders bigint[])
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _said stockroom_api.told_part[] := array(
        select p from jsonb_populate_recordset(null::stockroom_api.told_part, coalesce(_parts, '[]')) p);
    _now stockroom.sku_aliases;
begin
    perform pg_advisory_xact_lock(hashtext('stockroom.catalog'));
    perform stockroom_api.refuse_meaning(_code, _kind, _variant_id, _said);
    if _kind = 'variant' then
        perform stockroom_api.refuse_unclear(_code, _variant_id);
    end if;
    select * into _now from stockroom.sku_aliases a where a.code = _code and a.ended_at is null and a.order_id is null for update;
    if not stockroom_api.is_meaning(_now, _kind, _variant_id, _said) then
        perform stockroom_api.refuse_other_meaning(_code, _now, _seen);
        update stockroom.sku_aliases set ended_at = now(), ended_by = _who where id = _now.id;
        meaning_id := stockroom_api.add_meaning(_who, _code, _kind, _variant_id, _said, null);
        perform stockroom_api.note_change(_user_id, _who, 'code_mapped', _code,
            case when _now.id is not null then jsonb_build_object('means', stockroom_api.meaning_text(_now.id)) end,
            jsonb_build_object('means', stockroom_api.meaning_text(meaning_id)));
    else
        meaning_id := _now.id;
    end if;
    orders := array(select o.id from stockroom.orders o
                     where o.id in (select l.order_id from stockroom.order_lines l
                                     where l.state = 'failed' and l.variant_id is null and _code = any (l.code || l.codes))
                     order by o.paid_at, o.id);
    return next;
end $$;

-- Whether this row already has this meaning.
create function stockroom_api.is_meaning(_row stockroom.sku_aliases, _kind text, _variant_id uuid, _parts stockroom_api.told_part[])
    returns boolean
    language sql stable as $$
    select _row.id is not null and _row.kind = _kind
       and (_kind <> 'variant' or _row.variant_id = _variant_id)
       and (_kind <> 'bundle' or not exists (
               select from (select p.variant_id, p.quantity from stockroom.code_parts p where p.meaning_id = _row.id) h
                 full join unnest(_parts) w on w.variant_id = h.variant_id and w.quantity = h.quantity
                where h.variant_id is null or w.variant_id is null));
$$;

-- Map a code to a variant from now on, whatever it meant before; `give_meaning` replaces it in the next release. Returns the orders
-- that wait for the code. Refuses: SK001, SK008 naming every variant that the code could mean, SK009, SK010.
create function stockroom_api.map_code(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _code text, _variant_id uuid
) returns bigint[]
    language sql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
    select g.orders
      from stockroom_api.give_meaning(_user_id, _session_id, _roles, _name, _code, 'variant', _variant_id, null,
               (select m.meaning_id from stockroom_api.meanings_in_force m where m.code = _code)) g;
$$;

-- Say what one open line of an order means, without giving its code a meaning for other orders, and try the line again. Returns the
-- lines of the order as they are afterwards. Refuses: SK001, SK003, SK008, SK009, SK010.
create function stockroom_api.choose_meaning(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _line_id bigint, _kind text,
    _variant_id uuid, _parts jsonb
) returns table (line_id bigint, state text, cause text, taken int, oversold int)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order(_order_id);
    _said stockroom_api.told_part[] := array(
        select p from jsonb_populate_recordset(null::stockroom_api.told_part, coalesce(_parts, '[]')) p);
    _operation_id bigint := stockroom_api.claim_operation(_key, 'choose_meaning',
        format('%s %s %s %s %L', _order_id, _line_id, _kind, _variant_id, _parts), _user_id, _who);
    _line stockroom.order_lines;
    _meaning_id bigint;
begin
    if _operation_id is not null then
        select * into _line from stockroom.order_lines l
         where l.id = _line_id and l.order_id = _order_id and l.state = 'failed' and l.variant_id is null for update;
        perform stockroom_api.refuse_meaning(_line.code, _kind, _variant_id, _said);
        if _line.id is null then
            perform stockroom_api.refuse_value('line', 'is not waiting for a variant anymore. Nothing was changed');
        end if;
        _meaning_id := stockroom_api.add_meaning(_who, _line.code, _kind, _variant_id, _said, _order_id);
        perform stockroom_api.apply_meanings(array[_line_id], array[_meaning_id]);
        perform stockroom_api.note_change(_user_id, _who, 'variant_chosen', stockroom_api.order_name(_order), null,
            jsonb_build_object('code', _line.code, 'means', stockroom_api.meaning_text(_meaning_id)));
        perform stockroom_api.note_try('order:' || _order.payment_id, _who);
        perform stockroom_api.take_lines(array[_order_id], array[_operation_id], 'stock_decrease', _user_id, _who, null);
        perform stockroom_api.review_orders(array[_order_id], _who);
    end if;
    return query select l.id, l.state, l.cause, l.taken, l.oversold
                   from stockroom.order_lines l where l.order_id = _order_id and l.state <> 'replaced' order by l.position;
end $$;

-- Choose the variant of one open line of an order; `choose_meaning` replaces it in the next release. Refuses: as that.
create function stockroom_api.choose_variant(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _line_id bigint, _variant_id uuid
) returns table (line_id bigint, state text, cause text, taken int, oversold int)
    language sql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
    select * from stockroom_api.choose_meaning(
        _key, _user_id, _session_id, _roles, _name, _order_id, _line_id, 'variant', _variant_id, null);
$$;

-- End the meaning of a code: from now on its lines wait for a person again. Lines that stand on it stay, until their order is
-- reopened. Refuses: SK008, SK009, SK010.
create function stockroom_api.end_meaning(_user_id bigint, _session_id bigint, _roles text[], _name text, _meaning_id bigint) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _row stockroom.sku_aliases;
begin
    select * into _row from stockroom.sku_aliases a where a.id = _meaning_id for update;
    if _row.id is null then
        perform stockroom_api.refuse_value('meaning', 'is not known');
    elsif _row.ended_at is not null then
        perform stockroom_api.refuse_value('meaning', format('was ended by %s already. Nothing was changed', _row.ended_by));
    end if;
    update stockroom.sku_aliases set ended_at = now(), ended_by = _who where id = _meaning_id;
    perform stockroom_api.note_change(_user_id, _who, 'code_ended', _row.code,
        jsonb_build_object('means', stockroom_api.meaning_text(_meaning_id)), null);
end $$;

grant execute on function
    stockroom_api.give_meaning(bigint, bigint, text[], text, text, text, uuid, jsonb, bigint),
    stockroom_api.map_code(bigint, bigint, text[], text, text, uuid),
    stockroom_api.choose_meaning(text, bigint, bigint, text[], text, bigint, bigint, text, uuid, jsonb),
    stockroom_api.choose_variant(text, bigint, bigint, text[], text, bigint, bigint, uuid),
    stockroom_api.end_meaning(bigint, bigint, text[], text, bigint)
    to stockroom_app;
