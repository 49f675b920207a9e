-- What people have said that a code means: one variant, several variants with quantities (a bundle), or no goods. A bundle's units
-- are those of its parts; no goods and a replaced line have none, so sums of units leave these three states out.

-- The meanings in force for every order. `means` says it for people.
create view stockroom_api.meanings_in_force as
select a.id as meaning_id, a.code, a.kind, a.variant_id, a.added_by, a.added_at
  from stockroom.sku_aliases a
 where a.ended_at is null and a.order_id is null;

-- A meaning in words: a SKU, "2 × TR-42, 1 × MUG-1", or "no goods".
create function stockroom_api.meaning_text(_meaning_id bigint) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select case a.kind when 'variant' then v.sku when 'no_goods' then 'no goods'
                       else (select string_agg(p.quantity || ' × ' || x.sku, ', ' order by x.sku)
                               from stockroom.code_parts p join public.product_variants x on x.id = p.variant_id
                              where p.meaning_id = a.id) end
      from stockroom.sku_aliases a
      left join public.product_variants v on v.id = a.variant_id
     where a.id = _meaning_id;
$$;

-- The meaning in force that a line stands on, given the variant that its codes name: that of its codes, if they have exactly one.
-- `settled`: the state of a line that is a bundle or no goods. A code that the catalogue names is that variant, whatever else it was
-- said to mean. One row always.
create function stockroom_api.meaning_of_line(_code text, _codes text[], _variant_id uuid)
    returns table (meaning_id bigint, settled text)
    language sql stable as $$
    select case when count(*) = 1 then min(a.id) end, case when count(*) = 1 then nullif(min(a.kind), 'variant') end
      from stockroom.sku_aliases a
     where a.code = any (_code || _codes) and a.ended_at is null and a.order_id is null
       and case a.kind when 'variant' then a.variant_id = _variant_id else _variant_id is null end;
$$;

-- Let open lines stand on these meanings: `_meaning_ids` has one for each of `_line_ids`. A bundle becomes a settled line with its
-- price, and one open line for each part; no goods are settled at once.
create function stockroom_api.apply_meanings(_line_ids bigint[], _meaning_ids bigint[]) returns void
    language plpgsql as $$
begin
    update stockroom.order_lines l
       set meaning_id = a.id, variant_id = coalesce(a.variant_id, l.variant_id),
           state = case a.kind when 'variant' then l.state else a.kind end,
           cause = case when a.kind <> 'variant' then null when l.variant_id is null then 'insufficient_stock' else l.cause end
      from unnest(_line_ids, _meaning_ids) m (line_id, meaning_id)
      join stockroom.sku_aliases a on a.id = m.meaning_id
     where l.id = m.line_id;
    insert into stockroom.order_lines (order_id, position, code, quantity, variant_id, state, cause, meaning_id, part_of)
    select l.order_id, (select max(x.position) from stockroom.order_lines x where x.order_id = l.order_id)
                       + row_number() over (partition by l.order_id order by l.position, v.sku),
           v.sku, l.quantity * p.quantity, v.id, 'failed', 'insufficient_stock', l.meaning_id, l.id
      from stockroom.order_lines l
      join stockroom.code_parts p on p.meaning_id = l.meaning_id
      join public.product_variants v on v.id = p.variant_id
     where l.id = any (_line_ids) and l.state = 'bundle'
     order by l.order_id, l.position, v.sku;
end $$;

-- Let the open lines of an order stand on the meaning of their code.
create function stockroom_api.expand_meanings(_order_id bigint) returns void
    language plpgsql as $$
declare
    _line_ids bigint[];
    _meaning_ids bigint[];
begin
    select array_agg(l.id order by l.id), array_agg(m.meaning_id order by l.id) into _line_ids, _meaning_ids
      from stockroom.order_lines l
     cross join lateral stockroom_api.meaning_of_line(l.code, l.codes, l.variant_id) m
     where l.order_id = _order_id and l.state = 'failed' and l.meaning_id is null and l.part_of is null and l.oversold = 0
       and m.meaning_id is not null;
    if _line_ids is not null then
        perform stockroom_api.apply_meanings(_line_ids, _meaning_ids);
    end if;
end $$;

-- The lines of carts as buyers know them: a bundle is one line, open as long as one of its parts is; replaced lines are left out.
-- `variant_id` of a bundle is null. `in_ledger`: the ledger has a movement for every unit that was taken and has not come back.
create view stockroom_api.cart_lines as
select l.id as line_id, l.order_id, l.position, l.code, l.name, l.size, l.unit_price, l.quantity, l.variant_id,
       case when l.state <> 'bundle' then l.state when p.open > 0 then 'failed' when p.settled > 0 then 'resolved' else 'taken' end as state,
       case when l.state <> 'bundle' then l.cause else p.cause end as cause,
       case when l.state <> 'bundle' then l.taken when p.open + p.settled = 0 then l.quantity else 0 end as taken,
       case when l.state <> 'bundle' then l.taken - l.restored = u.units else p.in_ledger end as in_ledger
  from stockroom.order_lines l
 cross join lateral (
    select coalesce(-sum(m.quantity), 0) as units
      from stockroom_api.line_movements x
      join public.stock_movements m on m.id = x.movement_id
     where x.line_id = l.id) u
  left join lateral (
    select count(*) filter (where y.state = 'failed') as open, count(*) filter (where y.state = 'resolved') as settled,
           max(y.cause) filter (where y.state = 'failed') as cause,
           bool_and(y.taken - y.restored = coalesce((
               select -sum(m.quantity) from stockroom_api.line_movements x
                 join public.stock_movements m on m.id = x.movement_id where x.line_id = y.id), 0)) as in_ledger
      from stockroom.order_lines y
     where y.part_of = l.id and y.state <> 'replaced') p on l.state = 'bundle'
 where l.part_of is null and l.state <> 'replaced';

grant select on stockroom_api.meanings_in_force to stockroom_app;
grant execute on function stockroom_api.meaning_text(bigint) to stockroom_app;
