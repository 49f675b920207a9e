-- Does the ledger hold? Each check is a view of what fails it; an empty view is the proof. They report and never repair.

-- R1: the level of a variant is the sum of its movements, and where its last movement left it.
create view stockroom_api.level_faults as
select v.id as variant_id, v.sku, v.stock_quantity as level, coalesce(m.total, 0) as total, coalesce(m.last_after, 0) as last_after
  from public.product_variants v
  left join (select m.variant_id, sum(m.quantity) as total,
                    (array_agg(m.quantity_after order by m.variant_sequence desc))[1] as last_after
               from public.stock_movements m group by m.variant_id) m on m.variant_id = v.id
 where (v.stock_quantity, v.stock_quantity) is distinct from (coalesce(m.total, 0), coalesce(m.last_after, 0));

-- Each movement with the link before it as it is stored, so that a fault shows on the very row where the chain breaks:
-- a row that was edited fails its own hash; behind one that was taken out, sequence, level and hash do not join.
create view stockroom_api.links as
select m.id as movement_id, m.variant_id, m.sku, m.variant_sequence, m.chain_hash,
       m.variant_sequence = coalesce(lag(m.variant_sequence) over chain, 0) + 1 as in_sequence,
       m.quantity_before = coalesce(lag(m.quantity_after) over chain, 0)
           and m.quantity_after = m.quantity_before + m.quantity as in_balance,
       m.chain_hash = stockroom.chain_link(lag(m.chain_hash) over chain, stockroom.movement_text(
           m.variant_id, m.variant_sequence, m.sku, m.movement_type, m.reason, m.quantity, m.quantity_before, m.quantity_after,
           m.operation_id, m.reference_type, m.reference_id, m.reverses_id, m.performed_by, m.note, m.occurred_at,
           m.created_at), null) as in_chain,
       lead(m.id) over chain is null as is_last
  from public.stock_movements m
window chain as (partition by m.variant_id order by m.variant_sequence);

-- R2: the movements of a variant are numbered without a gap, each begins where the one before it ended, every hash follows
-- from the one before, and the last is the one the variant knows as its last. A fault of a variant's end has no movement.
create view stockroom_api.chain_faults as
select l.movement_id, l.variant_id, l.sku, l.variant_sequence,
       array_remove(array[case when not l.in_sequence then 'sequence' end, case when not l.in_balance then 'balance' end,
                          case when not l.in_chain then 'hash' end], null) as faults
  from stockroom_api.links l
 where not (l.in_sequence and l.in_balance and l.in_chain)
union all
select null, v.id, v.sku, v.movement_sequence, array['end']
  from public.product_variants v
  left join (select m.variant_id, max(m.variant_sequence) as variant_sequence from public.stock_movements m group by 1) e
    on e.variant_id = v.id
  left join public.stock_movements m on m.variant_id = v.id and m.variant_sequence = e.variant_sequence
 where (v.movement_sequence, v.chain_head) is distinct from (coalesce(m.variant_sequence, 0), m.chain_hash);

-- R11: the rollups are what the ledger adds up to: those of each variant and day, and the shop's sums of days that are over
-- (for these `variant_id` is null).
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

-- Run the checks: of each its code, how much was looked at, how many rows fail, and the first `_examples` of these.
-- Refuses: SK009, SK010.
create function stockroom_api.run_checks(_user_id bigint, _session_id bigint, _roles text[], _name text, _examples int)
    returns table (code text, checked bigint, failures bigint, examples jsonb)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    return query
    select 'R1', (select count(*) from public.product_variants), count(*),
           coalesce(jsonb_agg(to_jsonb(f) order by f.n) filter (where f.n <= _examples), '[]')
      from (select f.*, row_number() over (order by f.sku) as n from stockroom_api.level_faults f) f;
    return query
    select 'R2', (select count(*) from public.stock_movements), count(*),
           coalesce(jsonb_agg(to_jsonb(f) order by f.n) filter (where f.n <= _examples), '[]')
      from (select f.*, row_number() over (order by f.sku, f.variant_sequence, f.movement_id) as n
              from stockroom_api.chain_faults f) f;
    return query
    select 'R11', (select count(*) from stockroom.variant_days), count(*),
           coalesce(jsonb_agg(to_jsonb(f) order by f.n) filter (where f.n <= _examples), '[]')
      from (select f.*, row_number() over (order by f.day, f.sku) as n from stockroom_api.rollup_faults f) f;
end $$;

grant execute on function stockroom_api.run_checks(bigint, bigint, text[], text, int) to stockroom_app;
