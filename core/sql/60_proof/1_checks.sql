-- The checks of the ledger. Each is a view of the rows that fail it, so an empty view passes. They report and never repair.

-- R1: the level of a variant is the sum of its movements, and equals the level after its last movement.
create view stockroom_api.level_faults as
select v.id as variant_id, v.sku, v.stock_quantity as level, coalesce(m.total, 0) as total, coalesce(m.last_after, 0) as last_after
  from public.product_variants v
  left join (select m.variant_id, sum(m.quantity) as total,
                    (array_agg(m.quantity_after order by m.variant_sequence desc))[1] as last_after
               from public.stock_movements m group by m.variant_id) m on m.variant_id = v.id
 where (v.stock_quantity, v.stock_quantity) is distinct from (coalesce(m.total, 0), coalesce(m.last_after, 0));

-- R1 for recent movements: each level equals the level after the last movement. Only the full check finds an older edited movement.
create view stockroom_api.recent_level_faults as
select v.id as variant_id, v.sku, v.stock_quantity as level, coalesce(m.quantity_after, 0) as total,
       coalesce(m.quantity_after, 0) as last_after
  from public.product_variants v
  left join lateral (select m.quantity_after from public.stock_movements m
                      where m.variant_id = v.id order by m.variant_sequence desc limit 1) m on true
 where v.stock_quantity <> coalesce(m.quantity_after, 0);

-- Each movement compared with the stored movement before it, so that a fault shows on the row where the chain breaks. An edited
-- row fails its own hash. After a removed row, sequence, level and hash do not follow. A join instead of a window, so that it
-- runs in parallel.
create view stockroom_api.links as
select m.id as movement_id, m.variant_id, m.sku, m.variant_sequence,
       m.variant_sequence = 1 or b.id is not null as in_sequence,
       coalesce(m.quantity_before = case m.variant_sequence when 1 then 0 else b.quantity_after end, false)
           and m.quantity_after = m.quantity_before + m.quantity as in_balance,
       m.chain_hash = stockroom.chain_link(b.chain_hash, stockroom.movement_text(
           m.variant_id, m.variant_sequence, m.sku, m.movement_type, m.reason, m.quantity, m.quantity_before, m.quantity_after,
           m.operation_id, m.reference_type, m.reference_id, m.reverses_id, m.performed_by, m.note, m.occurred_at,
           m.created_at), null) as in_chain
  from public.stock_movements m
  left join public.stock_movements b on b.variant_id = m.variant_id and b.variant_sequence = m.variant_sequence - 1;

-- R2, the ends of chains: a variant whose last movement is not the one stored on its row; a verified movement that has changed
-- since, which finds a forged chain; and verified ends that do not add up to the stored head hash.
create view stockroom_api.end_faults as
select null::bigint as movement_id, v.id as variant_id, v.sku, v.movement_sequence as variant_sequence, array['end'] as faults
  from public.product_variants v
  left join lateral (select m.variant_sequence, m.chain_hash from public.stock_movements m
                      where m.variant_id = v.id order by m.variant_sequence desc limit 1) m on true
 where (v.movement_sequence, v.chain_head) is distinct from (coalesce(m.variant_sequence, 0), m.chain_hash)
union all
select m.id, k.variant_id, coalesce(m.sku, v.sku, k.variant_id::text), k.sequence, array['proven']
  from stockroom.proof_marks k
  left join public.product_variants v on v.id = k.variant_id
  left join lateral (select m.id, m.sku, m.chain_hash from public.stock_movements m
                      where m.variant_id = k.variant_id and m.variant_sequence = k.sequence limit 1) m on true
 where m.chain_hash is distinct from k.chain_hash
union all
select null, null, 'The whole ledger', r.id::int, array['head']
  from (select max(k.run_id) as run_id, sha256(coalesce(string_agg(k.chain_hash, ''::bytea order by k.variant_id), ''::bytea)) as head
          from stockroom.proof_marks k) k
  join stockroom.proof_runs r on r.id = k.run_id
 where r.head_hash <> k.head;

-- R2 for movements since the chains were verified last. Only the full check finds an older edited movement.
create view stockroom_api.recent_chain_faults as
select l.movement_id, l.variant_id, l.sku, l.variant_sequence,
       array_remove(array[case when not l.in_sequence then 'sequence' end, case when not l.in_balance then 'balance' end,
                          case when not l.in_chain then 'hash' end], null) as faults
  from (select m.id as movement_id, m.variant_id, m.sku, m.variant_sequence,
               m.variant_sequence = coalesce(lag(m.variant_sequence) over chain, 0) + 1 as in_sequence,
               m.quantity_before = coalesce(lag(m.quantity_after) over chain, 0)
                   and m.quantity_after = m.quantity_before + m.quantity as in_balance,
               m.chain_hash = stockroom.chain_link(lag(m.chain_hash) over chain, stockroom.movement_text(
                   m.variant_id, m.variant_sequence, m.sku, m.movement_type, m.reason, m.quantity, m.quantity_before,
                   m.quantity_after, m.operation_id, m.reference_type, m.reference_id, m.reverses_id, m.performed_by, m.note,
                   m.occurred_at, m.created_at), null) as in_chain,
               v.proven
          from (select v.id, coalesce(k.sequence, 0) as proven
                  from public.product_variants v left join stockroom.proof_marks k on k.variant_id = v.id
                 where v.movement_sequence > coalesce(k.sequence, 0)) v
         cross join lateral (select m.* from public.stock_movements m
                              where m.variant_id = v.id and m.variant_sequence >= v.proven) m
        window chain as (partition by m.variant_id order by m.variant_sequence)) l
 where l.variant_sequence > l.proven and not (l.in_sequence and l.in_balance and l.in_chain)
union all
select * from stockroom_api.end_faults;

-- R2: the movements of a variant are numbered without gaps, each begins where the one before it ended, every hash follows from
-- the one before, and the ends are right. A fault at the end of a variant can be without a movement.
create view stockroom_api.chain_faults as
select l.movement_id, l.variant_id, l.sku, l.variant_sequence,
       array_remove(array[case when not l.in_sequence then 'sequence' end, case when not l.in_balance then 'balance' end,
                          case when not l.in_chain then 'hash' end], null) as faults
  from stockroom_api.links l
 where not (l.in_sequence and l.in_balance and l.in_chain)
union all
select * from stockroom_api.end_faults;

-- R11: the rollups equal the sums of the ledger, for each variant and day, and for the whole shop on past days (`variant_id` is
-- null).
create view stockroom_api.rollup_faults as
with ledger as materialized (
    select * from stockroom_api.ledger_days
)
select coalesce(d.variant_id, l.variant_id) as variant_id, v.sku, coalesce(d.day, l.day) as day,
       case when d.day is null then 'missing' when l.day is null then 'invented' when d.closing <> l.closing
                 and (d.movements, d.net) = (l.movements, l.net) then 'closing' else 'units' end as fault
  from (select d.*, d.purchase_in - d.purchase_out + d.sale_in - d.sale_out + d.restoration_in - d.restoration_out
                    + d.adjustment_in - d.adjustment_out + d.count_in - d.count_out as net
          from stockroom.variant_days d) d
  full join ledger l on l.variant_id = d.variant_id and l.day = d.day
  join public.product_variants v on v.id = coalesce(d.variant_id, l.variant_id)
 where (d.purchase_in, d.purchase_out, d.sale_in, d.sale_out, d.restoration_in, d.restoration_out, d.adjustment_in,
        d.adjustment_out, d.count_in, d.count_out, d.movements, d.closing)
       is distinct from
       (l.purchase_in, l.purchase_out, l.sale_in, l.sale_out, l.restoration_in, l.restoration_out, l.adjustment_in,
        l.adjustment_out, l.count_in, l.count_out, l.movements, l.closing)
union all
select null, null, s.day, 'shop'
  from stockroom.shop_days s
  left join (select l.day, sum(l.purchase_in) as purchase_in, sum(l.purchase_out) as purchase_out, sum(l.sale_in) as sale_in,
                    sum(l.sale_out) as sale_out, sum(l.restoration_in) as restoration_in,
                    sum(l.restoration_out) as restoration_out, sum(l.adjustment_in) as adjustment_in,
                    sum(l.adjustment_out) as adjustment_out, sum(l.count_in) as count_in, sum(l.count_out) as count_out,
                    sum(l.movements) as movements
               from ledger l group by l.day) l on l.day = s.day
 where (s.purchase_in, s.purchase_out, s.sale_in, s.sale_out, s.restoration_in, s.restoration_out, s.adjustment_in,
        s.adjustment_out, s.count_in, s.count_out, s.movements)
       is distinct from
       (coalesce(l.purchase_in, 0), coalesce(l.purchase_out, 0), coalesce(l.sale_in, 0), coalesce(l.sale_out, 0),
        coalesce(l.restoration_in, 0), coalesce(l.restoration_out, 0), coalesce(l.adjustment_in, 0),
        coalesce(l.adjustment_out, 0), coalesce(l.count_in, 0), coalesce(l.count_out, 0), coalesce(l.movements, 0));

-- The movements since their chains were verified last. The planner expects that they could be all; `offset 0` makes it use the
-- index here and below.
create view stockroom_api.new_movements as
select m.variant_id, m.occurred_at
  from (select v.id, coalesce(k.sequence, 0) as proven
          from public.product_variants v left join stockroom.proof_marks k on k.variant_id = v.id
         where v.movement_sequence > coalesce(k.sequence, 0)) v
 cross join lateral (select m.variant_id, m.occurred_at from public.stock_movements m
                      where m.variant_id = v.id and m.variant_sequence > v.proven offset 0) m;

-- R11 for recent movements: their days are summed again for every variant. The closing level of a day is the closing level before
-- it plus the sum of the day.
create view stockroom_api.recent_rollup_faults as
with days as materialized (
    select n.day, stockroom_api.day_start(n.day, s.zone) as starts_at, stockroom_api.day_start(n.day + 1, s.zone) as ends_at
      from stockroom.shop s
     cross join lateral (select distinct stockroom_api.day_at(m.occurred_at, s.zone) as day from stockroom_api.new_movements m) n
), ledger as materialized (
    select m.variant_id, d.day, count(*) as movements, sum(m.quantity) as net,
           array[sum(greatest(m.quantity, 0)) filter (where m.movement_type = 'purchase'),
                 sum(greatest(-m.quantity, 0)) filter (where m.movement_type = 'purchase'),
                 sum(greatest(m.quantity, 0)) filter (where m.movement_type = 'sale'),
                 sum(greatest(-m.quantity, 0)) filter (where m.movement_type = 'sale'),
                 sum(greatest(m.quantity, 0)) filter (where m.movement_type = 'restoration'),
                 sum(greatest(-m.quantity, 0)) filter (where m.movement_type = 'restoration'),
                 sum(greatest(m.quantity, 0)) filter (where m.movement_type = 'adjustment'),
                 sum(greatest(-m.quantity, 0)) filter (where m.movement_type = 'adjustment'),
                 sum(greatest(m.quantity, 0)) filter (where m.movement_type = 'count'),
                 sum(greatest(-m.quantity, 0)) filter (where m.movement_type = 'count')] as units
      from days d
      join public.stock_movements m on m.occurred_at >= d.starts_at and m.occurred_at < d.ends_at
     group by m.variant_id, d.day
), rollup as materialized (
    select r.variant_id, r.day, r.movements, r.closing,
           array[r.purchase_in, r.purchase_out, r.sale_in, r.sale_out, r.restoration_in, r.restoration_out, r.adjustment_in,
                 r.adjustment_out, r.count_in, r.count_out]::bigint[] as units,
           coalesce((select b.closing from stockroom.variant_days b where b.variant_id = r.variant_id and b.day < r.day
                      order by b.day desc limit 1), 0) as opening
      from days d cross join lateral (select x.* from stockroom.variant_days x where x.day = d.day offset 0) r
)
select f.variant_id, v.sku, f.day, f.fault
  from (select coalesce(r.variant_id, l.variant_id) as variant_id, coalesce(r.day, l.day) as day,
               case when r.day is null then 'missing' when l.day is null then 'invented'
                    when r.movements <> l.movements or r.units <> array(
                         select coalesce(u.n, 0) from unnest(l.units) with ordinality u (n, place) order by u.place) then 'units'
                    when r.closing <> r.opening + l.net then 'closing' end as fault
          from rollup r full join ledger l on l.variant_id = r.variant_id and l.day = r.day) f
  join public.product_variants v on v.id = f.variant_id
 where f.fault is not null;

-- The head hash of the ledger: a hash over the last hash of each variant, in the order of their ids. A stored copy shows later
-- whether anything before it was rewritten.
create function stockroom_api.ledger_head() returns bytea
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select sha256(coalesce(string_agg(v.chain_head, ''::bytea order by v.id), ''::bytea)) from public.product_variants v;
$$;

grant execute on function stockroom_api.ledger_head() to stockroom_app;
