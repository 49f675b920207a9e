-- A shop of :variants variants and :movements movements over three years up to now; see fill.py.
insert into public.products (id, name, brand, price)
select md5('product ' || n)::uuid, format('Model %s', lpad(n::text, 4, '0')), format('Brand %s', n % 20), 80 + n % 120
  from generate_series(0, :variants / 10 - 1) n;

insert into public.product_variants (id, product_id, sku, size, price, unit_cost, reorder_point)
select md5('variant ' || n)::uuid, md5('product ' || n / 10)::uuid, format('M%s-%s', lpad((n / 10)::text, 4, '0'), 36 + n % 10),
       (36 + n % 10)::text, 80 + n / 10 % 120, 40 + n / 10 % 60, n % 4
  from generate_series(0, :variants - 1) n;

insert into stockroom.operations (id, key, kind, fingerprint, performed_by, created_at)
overriding system value
select n, md5('operation ' || n), 'adjust', decode(md5(n::text), 'hex'), format('Person %s', n % 12),
       now() - interval '1095 days' + n * (interval '1095 days' / (:movements / 2 + 2))
  from generate_series(1, (:movements + :variants) / 2 + 1) n;

create unlogged table numbered as
select n as variant, v.id as variant_id, v.sku
  from generate_series(0, :variants - 1) n
  join public.product_variants v on v.id = md5('variant ' || n)::uuid;

-- What happens, in order of time: mostly sales of one, often of the same variants; deliveries make up for them.
create unlogged table drawn as
select n, floor(:variants * power(random(), 1.5))::int as variant, random() as kind, random() as much
  from generate_series(:variants + 1, :movements) n;

create unlogged table past as
select d.n, d.variant, d.movement_type, d.reason, d.quantity
  from (select r.n, r.variant,
               case when r.kind < 0.70 then 'sale' when r.kind < 0.78 then 'purchase' when r.kind < 0.83 then 'restoration'
                    when r.kind < 0.97 then 'adjustment' else 'count' end as movement_type,
               case when r.kind < 0.70 then 'stock_decrease' when r.kind < 0.78 then 'delivery' when r.kind < 0.83 then 'refund'
                    when r.kind < 0.831 then 'theft' when r.kind < 0.90 then 'damaged' when r.kind < 0.97 then 'stock_increase'
                    else 'cycle_count' end as reason,
               case when r.kind < 0.70 then -1 - floor(r.much * 1.2)::int when r.kind < 0.78 then 5 + floor(r.much * 8)::int
                    when r.kind < 0.90 then case when r.kind < 0.83 then 1 else -1 end when r.kind < 0.97 then 1
                    else floor(r.much * 5)::int - 2 end as quantity
          from drawn r) d;

-- Each variant begins with the count that makes its past possible.
insert into past
select v + 1, v, 'count', 'initial_count', coalesce(-least(min(r.level), 0), 0) + v % 3
  from generate_series(0, :variants - 1) v
  left join (select variant, sum(quantity) over (partition by variant order by n) as level from past) r on r.variant = v
 group by v;

insert into public.stock_movements (id, variant_id, sku, movement_type, reason, quantity, quantity_before, quantity_after,
       variant_sequence, operation_id, reference_type, reference_id, performed_by, occurred_at, created_at, chain_hash)
overriding system value
select m.n, m.variant_id, m.sku, m.movement_type, m.reason, m.quantity, m.after - m.quantity, m.after, m.sequence, m.operation_id,
       m.reference_type, m.reference_id, m.performed_by, m.at, m.at,
       stockroom.chain(
           stockroom.movement_text(m.variant_id, m.sequence, m.sku, m.movement_type, m.reason, m.quantity,
               m.after - m.quantity, m.after, m.operation_id, m.reference_type, m.reference_id, null, m.performed_by, null, m.at, m.at),
           null) over (partition by m.variant order by m.n)
  from (select p.*, v.variant_id, v.sku, p.n / 2 + 1 as operation_id, format('Person %s', p.n % 12) as performed_by,
               (row_number() over following)::int as sequence, (sum(p.quantity) over following)::int as after,
               case p.movement_type when 'sale' then 'order' when 'restoration' then 'order' when 'purchase' then 'receipt' end
                   as reference_type,
               case p.movement_type when 'sale' then 'PI-' || p.n / 2 when 'restoration' then 'PI-' || p.n / 4
                    when 'purchase' then 'DN-' || p.n / 50 end as reference_id,
               now() - interval '1095 days' + p.n * (interval '1095 days' / (:movements + 1)) as at
          from past p
          join numbered v on v.variant = p.variant
        window following as (partition by p.variant order by p.n)) m
 order by m.n;

drop table numbered, drawn, past;

insert into stockroom.variant_days (variant_id, day, purchase_in, purchase_out, sale_in, sale_out, restoration_in,
       restoration_out, adjustment_in, adjustment_out, count_in, count_out, movements, closing)
select d.variant_id, d.day, d.purchase_in, 0, 0, d.sale_out, d.restoration_in, 0, d.adjustment_in, d.adjustment_out,
       d.count_in, d.count_out, d.movements, sum(d.net) over (partition by d.variant_id order by d.day)
  from (select m.variant_id, (m.occurred_at at time zone s.zone)::date as day,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'purchase'), 0) as purchase_in,
               coalesce(sum(-m.quantity) filter (where m.movement_type = 'sale'), 0) as sale_out,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'restoration'), 0) as restoration_in,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'adjustment' and m.quantity > 0), 0) as adjustment_in,
               coalesce(sum(-m.quantity) filter (where m.movement_type = 'adjustment' and m.quantity < 0), 0) as adjustment_out,
               coalesce(sum(m.quantity) filter (where m.movement_type = 'count' and m.quantity > 0), 0) as count_in,
               coalesce(sum(-m.quantity) filter (where m.movement_type = 'count' and m.quantity < 0), 0) as count_out,
               count(*) as movements, sum(m.quantity) as net
          from public.stock_movements m
         cross join stockroom.shop s
         group by 1, 2) d
 order by d.day;

update public.product_variants v
   set stock_quantity = h.quantity_after, movement_sequence = h.variant_sequence, chain_head = h.chain_hash,
       last_moved_at = h.occurred_at, last_counted_at = h.counted_at
  from (select distinct on (m.variant_id) m.variant_id, m.quantity_after, m.variant_sequence, m.chain_hash, m.occurred_at,
               max(m.occurred_at) filter (where m.movement_type = 'count') over (partition by m.variant_id) as counted_at
          from public.stock_movements m
         order by m.variant_id, m.variant_sequence desc) h
 where h.variant_id = v.id;

-- Every receipt, and the opening, came at the cost of the catalogue.
insert into stockroom.cost_steps (variant_id, sequence, place, kind, source, unit_cost, average, on_hand, digits, performed_by, at)
select m.variant_id, m.variant_sequence, 0, 'received', 'catalogue', v.unit_cost, trim_scale(v.unit_cost), m.quantity_after, 2,
       m.performed_by, m.created_at
  from public.stock_movements m
  join public.product_variants v on v.id = m.variant_id
 where m.quantity > 0 and (m.movement_type = 'purchase' or m.variant_sequence = 1);

select setval(pg_get_serial_sequence('public.stock_movements', 'id'), (select max(id) from public.stock_movements)),
       setval(pg_get_serial_sequence('stockroom.operations', 'id'), (select max(id) from stockroom.operations));
