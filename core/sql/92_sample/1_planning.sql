-- The large sample shop, planning: the next days' orders, what the supplier delivers, and which lines find enough. 2_filling.sql
-- records them.

-- Turn an empty shop into the large sample, which has no products yet. Any other is refused, because the ledger will hold an
-- invented past. Refuses: SK008.
create function stockroom_api.begin_large(
    _shop_name text, _zone text, _currency text, _days int, _orders int, _ends_at timestamptz, _weights jsonb
) returns void
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform from stockroom.shop for update;  -- of two that load at once, the second sees what the first has loaded
    if exists (select from public.products) or exists (select from public.stock_movements) then
        perform stockroom_api.refuse('SK008', 'The large sample needs an empty database, and this one holds products. '
            'Nothing was changed.', '{"field": "shop", "why": "is not empty"}');
    elsif _days is null or _days not between 1 and 3660 then
        perform stockroom_api.refuse_value('days', 'must be 1 to 3,660');
    elsif _orders is null or _orders not between 1 and 10000000 then
        perform stockroom_api.refuse_value('orders', 'must be 1 to 10,000,000');
    end if;
    update stockroom.shop set name = _shop_name, zone = _zone, currency = _currency, is_sample = true;
    insert into stockroom.large_sample (days, orders, ends_at, weights) values (_days, _orders, _ends_at, _weights);
end $$;

-- The moment at which a day of the large sample begins. Its days are 24 hours long and end when it ends.
create function stockroom_api.large_day(_l stockroom.large_sample, _day int) returns timestamptz
    language sql immutable
    return _l.ends_at - make_interval(hours => 24 * (_l.days - _day));

-- Plan the orders of the days from `_first` up to `_last`: more on weekends and in the evening, and growing over time. One in
-- about a hundred of the last day has a cart that cannot be read.
create function stockroom_api.plan_large_lines(_l stockroom.large_sample, _first int, _last int) returns void
    language sql set jit = off as $$
    truncate stockroom.large_lines, stockroom.large_steps;
    insert into stockroom.large_lines (number, position, variant_id, quantity, price, paid_at, is_unread)
    with day as materialized (
        select g.day, stockroom_api.large_day(_l, g.day) as starts_at,
               (1 + 0.7 * g.day / _l.days)
               * (array[1.0, 0.85, 0.9, 1.0, 1.25, 1.6, 1.45])[extract(isodow from stockroom_api.large_day(_l, g.day) at time zone s.zone)]
                   as weight, s.zone
          from generate_series(0, _l.days - 1) g (day) cross join stockroom.shop s
    ), counted as (
        select d.*, round(_l.orders * (sum(d.weight) over upto - d.weight) / sum(d.weight) over ())::int as first,
               round(_l.orders * sum(d.weight) over upto / sum(d.weight) over ())::int as last
          from day d window upto as (order by d.day)
    ), hour as materialized (
        select w.day, array_agg(w.bound order by w.hour) as bounds
          from (select d.day, h.hour, (sum(x.weight) over (partition by d.day order by h.hour) - x.weight)
                                      / sum(x.weight) over (partition by d.day) as bound
                  from day d
                 cross join generate_series(0, 23) h (hour)
                 cross join lateral (
                    select (array[0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 6, 5, 4, 4, 4, 5, 6, 8, 9, 8, 5, 2])[1 + extract(
                               hour from (d.starts_at + make_interval(hours => h.hour)) at time zone d.zone)::int]::float8 as weight) x
                 where d.day >= _first and d.day < _last) w
         group by w.day
    ), demand as materialized (
        select array_agg(w.id order by w.sku) as ids, array_agg(w.bound order by w.sku) as bounds
          from (select v.id, v.sku, (sum(e.value::float8) over (order by v.sku) - e.value::float8) / sum(e.value::float8) over () as bound
                  from jsonb_each_text(_l.weights) e join public.product_variants v on v.sku = e.key) w
    ), sale as materialized (
        select n.number, random() as luck,
               d.starts_at + make_interval(hours => width_bucket(random(), h.bounds) - 1, secs => floor(random() * 3600)) as paid_at
          from counted d
          join hour h on h.day = d.day
         cross join lateral generate_series(d.first + 1, d.last) n (number)
    ), line as materialized (
        select s.number, p.position, s.paid_at, m.ids[width_bucket(random(), m.bounds)] as variant_id,
               case when random() < 0.04 then 2 else 1 end as quantity
          from sale s
         cross join demand m
         cross join lateral generate_series(1, case when s.luck < 0.85 then 1 when s.luck < 0.97 then 2 else 3 end) p (position)
    )
    select l.number, l.position, l.variant_id, l.quantity, (coalesce(v.price, p.price) * 100)::bigint, l.paid_at,
           l.number % 97 = 0 and l.paid_at > _l.ends_at - interval '20 hours'
      from line l
      join public.product_variants v on v.id = l.variant_id
      join public.products p on p.id = v.product_id;
    analyze stockroom.large_lines;
$$;

-- In the last part, three variants of which one unit fewer is there than is sold, and how many that is.
create function stockroom_api.large_short(_l stockroom.large_sample, _last int) returns table (variant_id uuid, wanted bigint)
    language sql as $$
    select x.variant_id, sum(x.quantity) - 1
      from stockroom.large_lines x
     where not x.is_unread and _last = _l.days
     group by x.variant_id
    having max(x.paid_at) > _l.ends_at - interval '20 hours'
     order by sum(x.quantity) desc, x.variant_id
     limit 3;
$$;

-- Plan the deliveries at the beginning of the part and the work at its end, and decide which lines fit: those for which enough is
-- there, first paid, first served. The supplier lacks a few variants, more of them in the last part, so that some are low. Of three
-- that sell well, units break before they are sold, so that some orders wait for a person.
create function stockroom_api.plan_large_stock(_l stockroom.large_sample, _first int, _last int) returns void
    language sql set jit = off as $$
    insert into stockroom.large_steps (at, place, key, kind, person, variant_id, movement_type, reason, quantity, reference_type, reference)
    select stockroom_api.large_day(_l, _first), 0, format('sample:delivery:%s:%s', _first, w.brand), 'receive', 'Wanda Weber', w.id,
           'purchase', case _first when 0 then 'initial_purchase' else 'delivery' end, w.wanted - w.stock_quantity, 'receipt',
           format('LS-%s-%s', _first, upper(left(w.brand, 3)))
      from (select v.id, v.stock_quantity, v.reorder_point, p.brand, e.units, random() as luck,
                   coalesce(h.wanted, v.reorder_point + ceil(e.units * 1.1 + 2.5 * sqrt(e.units)))::int as wanted
              from public.product_variants v
              join public.products p on p.id = v.product_id
              join (select a.key as sku, (select coalesce(sum(x.quantity), 0) from stockroom.large_lines x) * a.value::float8
                           / sum(a.value::float8) over () as units
                      from jsonb_each_text(_l.weights) a) e on e.sku = v.sku
              left join stockroom_api.large_short(_l, _last) h on h.variant_id = v.id) w
     where w.stock_quantity < w.reorder_point + w.units + 1.2 * sqrt(w.units) and w.wanted > w.stock_quantity
       and w.luck > case when _first = 0 then 0 when _last = _l.days then 0.08 else 0.01 end;
    insert into stockroom.large_steps (at, place, key, kind, person, variant_id, movement_type, reason, quantity, note)
    select stockroom_api.large_day(_l, _first), 0, 'sample:leak:' || v.sku, 'adjust', 'Wanda Weber', v.id, 'adjustment', 'damaged',
           h.wanted - v.stock_quantity, 'The roof leaked on the top shelf'
      from stockroom_api.large_short(_l, _last) h
      join public.product_variants v on v.id = h.variant_id
     where v.stock_quantity > h.wanted;
    with running as (
        select x.number, x.position, v.stock_quantity + coalesce(d.quantity, 0) as there,
               sum(x.quantity) over (partition by x.variant_id order by x.paid_at, x.number, x.position) as wanted
          from stockroom.large_lines x
          join public.product_variants v on v.id = x.variant_id
          left join stockroom.large_steps d on d.variant_id = x.variant_id
         where not x.is_unread
    )
    update stockroom.large_lines l set fits = r.wanted <= r.there
      from running r where r.number = l.number and r.position = l.position;
    insert into stockroom.large_steps (at, place, key, kind, person, variant_id, movement_type, reason, quantity, note)
    select stockroom_api.large_day(_l, _last) - interval '90 seconds', 2, format('sample:shelf:%s:%s', _first, v.sku), w.kind,
           'Wanda Weber', v.id, w.movement_type, w.reason, w.quantity, w.note
      from public.product_variants v
      left join stockroom.large_steps d on d.variant_id = v.id
      left join (select x.variant_id, sum(x.quantity) as sold from stockroom.large_lines x where x.fits group by 1) s on s.variant_id = v.id
      join (values (0, 'set_level', 'count', 'cycle_count', 0, null), (1, 'set_level', 'count', 'cycle_count', 0, null),
                   (2, 'adjust', 'adjustment', 'damaged', -1, null), (3, 'adjust', 'adjustment', 'found', 1, 'Behind the returns shelf'))
           w (n, kind, movement_type, reason, quantity, note)
        on w.n = abs(hashtext(v.sku || _first)) % 120
     where v.stock_quantity + coalesce(d.quantity, 0) - coalesce(s.sold, 0) >= 1;
$$;
