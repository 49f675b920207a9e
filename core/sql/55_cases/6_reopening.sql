-- Orders that stand on the meaning of a code: who gave it, which orders it touched, and opening those again.

-- The meanings that people have given, with the orders whose lines stand on them. `order_id`: it is of that order alone.
create view stockroom_api.meaning_rows as
select a.id as meaning_id, a.code, a.kind, a.variant_id, stockroom_api.meaning_text(a.id) as means, p.name as product, v.size,
       (select jsonb_agg(jsonb_build_object('variant_id', c.variant_id, 'sku', x.sku, 'quantity', c.quantity) order by x.sku)
          from stockroom.code_parts c join public.product_variants x on x.id = c.variant_id where c.meaning_id = a.id) as parts,
       a.order_id, o.number, coalesce(o.name, o.email) as buyer, o.amount, o.currency,
       a.added_by, a.added_at, a.ended_by, a.ended_at,
       (select count(distinct l.order_id) from stockroom.order_lines l where l.meaning_id = a.id) as orders
  from stockroom.sku_aliases a
  left join public.product_variants v on v.id = a.variant_id
  left join public.products p on p.id = v.product_id
  left join stockroom.orders o on o.id = a.order_id;

-- The lines of carts that stand on a meaning. `kept`: why reopening leaves such a line as it is, or null.
create view stockroom_api.touched_lines as
select l.meaning_id, l.order_id, l.id as line_id, l.code, o.number, coalesce(o.name, o.email) as buyer, o.amount, o.currency, o.paid_at,
       case when l.state = 'skipped' then 'was recorded only'
            when u.restored > 0 then 'came back after a refund'
            when u.is_decided then 'was decided about after a refund'
            when u.oversold > 0 then 'was settled by a person' end as kept
  from stockroom.order_lines l
  join stockroom.orders o on o.id = l.order_id
 cross join lateral (
    select coalesce(sum(x.restored), 0) as restored, coalesce(sum(x.oversold), 0) as oversold,
           coalesce(bool_or(exists (select from stockroom_api.order_decisions d
                                     where d.line_id = x.id and d.stands and d.disposition <> 'restock')), false) as is_decided
      from stockroom.order_lines x where (x.id = l.id or x.part_of = l.id) and x.state <> 'replaced') u
 where l.meaning_id is not null and l.part_of is null and l.state <> 'replaced';

-- Put the units of these lines, and of their parts, back on the shelf: undo their sales. The lines are locked.
create function stockroom_api.put_lines_back(_operation_id bigint, _who text, _line_ids bigint[], _note text) returns void
    language plpgsql as $$
declare
    _movement_ids bigint[] := array(
        select m.id
          from stockroom.order_lines l
          join stockroom_api.line_movements x on x.line_id = l.id
          join public.stock_movements m on m.id = x.movement_id
         where (l.id = any (_line_ids) or l.part_of = any (_line_ids)) and m.movement_type = 'sale' and m.reason <> 'undo'
           and not exists (select from public.stock_movements u where u.reverses_id = m.id)
         order by m.id desc);
begin
    if cardinality(_movement_ids) > 0 then
        perform stockroom_api.post_opposites(_operation_id, _who, _movement_ids, _note);
    end if;
end $$;

-- The variants that reopening these lines can move: those taken, and those that the codes mean now.
create function stockroom_api.variants_around(_line_ids bigint[]) returns uuid[]
    language sql stable as $$
    select array(
        select l.variant_id from stockroom.order_lines l
         where (l.id = any (_line_ids) or l.part_of = any (_line_ids)) and l.variant_id is not null
        union
        select v.variant_id
          from stockroom.order_lines l cross join lateral stockroom_api.variant_of_line(l.code, l.codes, l.size) v
         where l.id = any (_line_ids) and v.variant_id is not null
        union
        select p.variant_id
          from stockroom.order_lines l
          join stockroom_api.meanings_in_force m on m.code = any (l.code || l.codes)
          join stockroom.code_parts p on p.meaning_id = m.meaning_id
         where l.id = any (_line_ids));
$$;

-- Open the lines of an order again that stand on a meaning which has ended: what was taken goes back as an undo, and then the lines
-- are tried with what their code means now. A line that came back, was decided about or was settled stays, and says so in `kept`.
-- Returns the lines of the order's cart as they are afterwards. Refuses: SK003, SK008, SK009, SK010.
create function stockroom_api.reopen_order(
    _key text, _user_id bigint, _session_id bigint, _roles text[], _name text, _order_id bigint, _meaning_id bigint
) returns table (code text, state text, cause text, taken int, kept text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '3s' as $$
declare
    _who text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _order stockroom.orders := stockroom_api.lock_order(_order_id);
    _operation_id bigint := stockroom_api.claim_operation(
        _key, 'reopen_order', format('%s %s', _order_id, _meaning_id), _user_id, _who);
    _said text := stockroom_api.meaning_text(_meaning_id);
    _line_ids bigint[];
begin
    if _operation_id is not null then
        if exists (select from stockroom.sku_aliases a where a.id = _meaning_id and a.ended_at is null) then
            perform stockroom_api.refuse_value('meaning', 'is in force; change or end it first. Nothing was changed');
        end if;
        perform from stockroom.order_lines l where l.order_id = _order_id order by l.id for no key update;
        _line_ids := array(select t.line_id from stockroom_api.touched_lines t
                            where t.order_id = _order_id and t.meaning_id = _meaning_id and t.kept is null);
        perform stockroom_api.lock_free_of_expired(stockroom_api.variants_around(_line_ids));
        perform stockroom_api.put_lines_back(_operation_id, _who, _line_ids, 'The code does not mean ' || left(_said, 500));
        perform stockroom_api.replace_lines(_order_id, array(
            select l.id from stockroom.order_lines l where l.part_of = any (_line_ids) and l.state <> 'replaced'));
        update stockroom.order_lines l set state = 'failed', cause = 'unknown_variant', variant_id = null, meaning_id = null
         where l.id = any (_line_ids);
        perform stockroom_api.note_change(_user_id, _who, 'order_reopened', stockroom_api.order_name(_order),
            jsonb_build_object('means', _said), null) where _line_ids <> '{}';
        perform stockroom_api.name_lines(_order_id);
        perform stockroom_api.take_lines(array[_order_id], array[_operation_id], 'stock_decrease', _user_id, _who, null);
        perform stockroom_api.review_orders(array[_order_id], _who);
    end if;
    return query
        select c.code, c.state, c.cause, c.taken, t.kept
          from stockroom_api.cart_lines c
          left join stockroom_api.touched_lines t on t.line_id = c.line_id and t.meaning_id = _meaning_id
         where c.order_id = _order_id
         order by c.position;
end $$;

grant select on stockroom_api.meaning_rows, stockroom_api.touched_lines to stockroom_app;
grant execute on function stockroom_api.reopen_order(text, bigint, bigint, text[], text, bigint, bigint) to stockroom_app;
