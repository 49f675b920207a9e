-- What people have decided about the goods of an order, what a unit was paid with, whether a page showed the latest decision, and the
-- results of inspections.

-- The decisions about the goods of each order: after a refund, or without one when goods came back (`refund_id` is null).
-- `stands`: it was not taken back, and its movement was not undone. It is a union so that each part can use its index.
create view stockroom_api.order_decisions as
select d.*, t.id as taken_back_id, u.id as undo_id, t.id is null and u.id is null as stands,
       coalesce(t.taken_back_by, u.performed_by) as taken_back_by, coalesce(t.taken_back_at, u.created_at) as taken_back_at
  from (select r.order_id, x.* from stockroom.refunds r join stockroom.refund_decisions x on x.refund_id = r.id
        union all
        select l.order_id, x.* from stockroom.order_lines l
          join stockroom.refund_decisions x on x.line_id = l.id and x.refund_id is null) d
  left join stockroom.decisions_taken_back t on t.decision_id = d.id
  left join public.stock_movements u on u.reverses_id = d.movement_id;

-- The price of one unit of each line; the units of a bundle's parts share its price. A line of an exchange has that of the unit that
-- came back, and is not paid for a second time.
create view stockroom_api.line_prices as
select l.id as line_id, l.order_id, case when e.id is null then l.quantity else 0 end as quantity,
       case when coalesce(e.part_of, l.part_of) is null then coalesce(e.unit_price, l.unit_price)::numeric
            else (select b.unit_price::numeric * b.quantity from stockroom.order_lines b where b.id = coalesce(e.part_of, l.part_of))
                 / (select sum(x.quantity) from stockroom.order_lines x where x.part_of = coalesce(e.part_of, l.part_of) and x.state <> 'replaced') end as price
  from stockroom.order_lines l
  left join stockroom.order_lines e on e.id = l.exchange_of
 where l.state not in ('bundle', 'replaced');

-- What the buyer paid for one unit of a line, in minor units: its price, less its share of the discount. If the payment does not say
-- what the discount was, it is at least what the prices are above the amount. Lines without a price share what the others leave.
create view stockroom_api.line_worth as
select l.line_id, l.order_id,
       case when l.price is null then greatest(o.amount - s.priced, 0) / nullif(s.unpriced, 0)
            when p.paid < s.priced then l.price * p.paid / s.priced
            else l.price end as unit_worth
  from stockroom_api.line_prices l
  join stockroom.orders o on o.id = l.order_id
 cross join lateral (
    select coalesce(sum(x.price * x.quantity), 0) as priced,
           sum(x.quantity) filter (where x.price is null)::numeric as unpriced
      from stockroom_api.line_prices x where x.order_id = l.order_id) s
 cross join lateral (select greatest(least(s.priced - coalesce(o.discount, 0), o.amount), 0) as paid) p;

-- The last decision about an order's goods, the last one taken back and the last restoration or its undo, as 'n.n.n'. A page keeps
-- it to say later which decisions it showed.
create function stockroom_api.decided_until(_order_id bigint) returns text
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select format('%s.%s.%s',
               (select coalesce(max(d.id), 0) from stockroom_api.order_decisions d where d.order_id = _order_id),
               (select coalesce(max(d.taken_back_id), 0) from stockroom_api.order_decisions d where d.order_id = _order_id),
               (select coalesce(max(m.id), 0) from stockroom.order_lines l
                  join stockroom_api.line_movements x on x.line_id = l.id
                  join public.stock_movements m on m.id = x.movement_id and m.movement_type = 'restoration'
                 where l.order_id = _order_id));
$$;

-- What people decided or took back about an order's goods since `_seen`, oldest first, at most ten. Without `_seen`: the decisions
-- that stand.
create function stockroom_api.decided_since(_order_id bigint, _seen text) returns jsonb
    language sql stable as $$
    select coalesce(jsonb_agg(jsonb_build_object('who', e.who, 'at', to_char(e.at at time zone s.zone, 'YYYY-MM-DD HH24:MI'),
               'disposition', e.disposition, 'quantity', e.quantity, 'code', e.code, 'taken_back', e.taken_back)
               order by e.at, e.id), '[]')
      from (select d.id, w.*, d.disposition, d.quantity, coalesce(v.sku, l.code, '') as code
              from stockroom_api.order_decisions d
             cross join string_to_array(coalesce(_seen, '0.0.0'), '.') p
             cross join lateral (values (false, d.decided_by, d.decided_at), (true, d.taken_back_by, d.taken_back_at))
                        w (taken_back, who, at)
              left join stockroom.order_lines l on l.id = d.line_id
              left join public.product_variants v on v.id = l.variant_id
             where d.order_id = _order_id
               and case when _seen is null then d.stands and not w.taken_back
                        when w.taken_back then d.taken_back_id > p[2]::bigint or d.undo_id > p[3]::bigint
                        else d.id > p[1]::bigint end
             order by w.at desc limit 10) e
     cross join stockroom.shop s;
$$;

-- Refuse with SK013 if something was decided about an order's goods that the page did not show. Without `_seen` the page showed no
-- decision. The lines of the order are locked. Refuses: SK008, SK013.
create function stockroom_api.refuse_decided(_order_id bigint, _seen text) returns void
    language plpgsql as $$
declare
    _since jsonb;
begin
    if _seen !~ '^\d{1,18}\.\d{1,18}\.\d{1,18}$' then
        perform stockroom_api.refuse_value('seen', 'must be what the page showed');
    end if;
    _since := stockroom_api.decided_since(_order_id, _seen);
    if _seen is null and _since <> '[]' or _seen <> stockroom_api.decided_until(_order_id) then
        perform stockroom_api.refuse('SK013', 'Something was decided about these goods in the meantime.',
            jsonb_build_object('since', _since));
    end if;
end $$;

-- Lock an order and its lines, so that decisions about its goods are made one after the other.
create function stockroom_api.lock_goods(_order_id bigint) returns void
    language plpgsql as $$
begin
    perform 1 from stockroom.orders o where o.id = _order_id for no key update;
    perform 1 from stockroom.order_lines l where l.order_id = _order_id order by l.id for no key update;
end $$;

-- One decision about refunded units.
create type stockroom_api.decision as (line_id bigint, disposition text, quantity int);

-- How many units of a decision to inspect first have a result that stands.
create function stockroom_api.inspected(_inspection_id bigint) returns bigint
    language sql stable as $$
    select coalesce(sum(i.quantity), 0)
      from stockroom.inspection_results i
      join stockroom.refund_decisions x on x.id = i.decision_id
     where i.inspection_id = _inspection_id
       and not exists (select from stockroom.decisions_taken_back t where t.decision_id = x.id)
       and not exists (select from public.stock_movements u where u.reverses_id = x.movement_id);
$$;

-- Whether units of a refund wait for an inspection. Its state is not asked: it follows from this.
create function stockroom_api.has_inspections(_refund_id bigint) returns boolean
    language sql stable as $$
    select exists (
        select from stockroom_api.order_decisions d
         where d.refund_id = _refund_id and d.order_id = (select r.order_id from stockroom.refunds r where r.id = _refund_id)
           and d.disposition = 'inspect' and d.stands and d.quantity > stockroom_api.inspected(d.id));
$$;

-- Let new decisions about a refund settle its units in inspection, line by line, the first inspected first. Units of a line that were
-- never inspected come after those that were.
create function stockroom_api.settle_inspections(_refund_id bigint, _decision_ids bigint[]) returns void
    language sql as $$
    with told as (
        select d.id, d.line_id, sum(d.quantity) over w - d.quantity as low, sum(d.quantity) over w as high
          from stockroom.refund_decisions d
         where d.id = any (_decision_ids) and d.disposition <> 'inspect' and d.line_id is not null
        window w as (partition by d.line_id order by d.id)
    ), waiting as (
        select x.id, x.line_id, sum(x.units) over w - x.units as low, sum(x.units) over w as high
          from (select d.id, d.line_id, d.quantity - stockroom_api.inspected(d.id) as units
                  from stockroom.refund_decisions d
                 where d.refund_id = _refund_id and d.disposition = 'inspect' and d.id <> all (_decision_ids)
                   and not exists (select from stockroom.decisions_taken_back t where t.decision_id = d.id)) x
         where x.units > 0
        window w as (partition by x.line_id order by x.id)
    )
    insert into stockroom.inspection_results (decision_id, inspection_id, quantity)
    select t.id, w.id, least(t.high, w.high) - greatest(t.low, w.low)
      from told t join waiting w on w.line_id = t.line_id and t.low < w.high and w.low < t.high;
$$;

-- Refuse decisions after which more units of a line would be back, damaged or in inspection than were sold. Refuses: SK006.
create function stockroom_api.refuse_inspections(_said stockroom_api.decision[]) returns void
    language plpgsql as $$
declare
    _over jsonb;
begin
    select jsonb_agg(jsonb_build_object('line_id', l.id, 'code', l.code, 'taken', l.quantity, 'restored', l.restored + i.others,
               'asked', i.units) order by l.position)
      into _over
      from stockroom.order_lines l
     cross join lateral (
        select coalesce(sum(d.quantity - stockroom_api.inspected(d.id)) filter (where d.disposition = 'inspect'), 0) as units,
               coalesce(sum(d.quantity) filter (where d.disposition = 'damaged'), 0) as others
          from stockroom_api.order_decisions d
         where d.line_id = l.id and d.order_id = l.order_id and d.stands) i
     where l.id in (select d.line_id from unnest(_said) d where d.disposition = 'inspect')
       and l.restored + i.others + i.units > l.quantity;
    if _over is not null then
        perform stockroom_api.refuse('SK006', 'More units would be restored than were sold.', jsonb_build_object('lines', _over));
    end if;
end $$;

-- Keep the picture of what an operation decided. core/orders/refunds.py has written its content.
create function stockroom_api.show_decision(_operation_id bigint, _content bytea) returns void
    language plpgsql as $$
declare
    _digest text := encode(sha256(_content), 'hex');
begin
    insert into stockroom.pictures (digest, content, media_type) values (_digest, _content, 'image/jpeg')
        on conflict (digest) do update set created_at = now();
    insert into stockroom.decision_pictures (operation_id, digest) values (_operation_id, _digest);
end $$;

grant execute on function stockroom_api.decided_until(bigint) to stockroom_app;
