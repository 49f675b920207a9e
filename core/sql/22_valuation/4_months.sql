-- A month for the accountant: what each variant had, bought, sold, got back, lost and counted, in units and money.

-- The reasons whose units are lost: those that only take units off by an adjustment, without the plain decrease, samples and gifts.
create view stockroom_api.loss_reasons as
select r.movement_type, r.reason from stockroom.reasons r
 where r.movement_type = 'adjustment' and r.sign = -1 and r.reason not in ('stock_decrease', 'sample', 'donation');

-- To which column of the month a movement belongs.
create function stockroom_api.month_group(_movement_type text, _is_loss boolean) returns text
    language sql immutable
    return case _movement_type when 'purchase' then 'purchases' when 'sale' then 'sales' when 'restoration' then 'restorations'
                               when 'count' then 'counts' when 'cost' then 'cost_changes'
                               else case when _is_loss then 'losses' else 'adjustments' end end;

-- A month by variant, every variant that ever moved. An undo counts where its original does. A value is null where no cost is known.
-- `uncosted` units moved without a known cost. `movements` and `chain_hash` say how far the ledger of the variant has got.
create function stockroom_api.month_accounts(_month date)
    returns table (variant_id uuid, sku text, product text, brand text, size text, color text, opening_units bigint, opening_value numeric,
                   purchases_units bigint, purchases_value numeric, sales_units bigint, sales_value numeric,
                   restorations_units bigint, restorations_value numeric, losses_units bigint, losses_value numeric,
                   adjustments_units bigint, adjustments_value numeric, counts_units bigint, counts_value numeric,
                   cost_changes_value numeric, closing_units bigint, closing_value numeric, uncosted bigint, movements int, chain_hash text)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    _zone text := (select s.zone from stockroom.shop s);
    _since timestamptz := stockroom_api.day_start(_month, _zone);
    _until timestamptz := stockroom_api.day_start((_month + interval '1 month')::date, _zone);
begin
    return query
    with opening as materialized (
        select o.variant_id, o.units, o.value from stockroom_api.values_at(_since) o
    ), flow as materialized (
        select f.variant_id, stockroom_api.month_group(f.movement_type, l.reason is not null) as part,
               sum(f.units_in - f.units_out)::bigint as units, sum(f.value) as value, sum(f.uncosted)::bigint as uncosted,
               bool_or(f.movement_type = 'cost' or f.uncosted < f.units_in + f.units_out) as is_costed
          from stockroom_api.value_flows(_since, _until, false) f
          left join stockroom_api.loss_reasons l on l.movement_type = f.movement_type and l.reason = f.reason
         group by 1, 2
    ), part as (
        select f.variant_id,
               coalesce(sum(f.units), 0)::bigint as units, coalesce(sum(f.value), 0) as value, coalesce(sum(f.uncosted), 0)::bigint as uncosted,
               bool_or(f.is_costed) as is_costed,
               max(f.units) filter (where f.part = 'purchases') as pu, max(f.value) filter (where f.part = 'purchases') as pv,
               max(f.units) filter (where f.part = 'sales') as su, max(f.value) filter (where f.part = 'sales') as sv,
               max(f.units) filter (where f.part = 'restorations') as ru, max(f.value) filter (where f.part = 'restorations') as rv,
               max(f.units) filter (where f.part = 'losses') as lu, max(f.value) filter (where f.part = 'losses') as lv,
               max(f.units) filter (where f.part = 'adjustments') as au, max(f.value) filter (where f.part = 'adjustments') as av,
               max(f.units) filter (where f.part = 'counts') as cu, max(f.value) filter (where f.part = 'counts') as cv,
               max(f.value) filter (where f.part = 'cost_changes') as kv
          from flow f group by f.variant_id
    )
    select v.id, v.sku, p.name, p.brand, v.size, v.color, coalesce(o.units, 0)::bigint, o.value,
           coalesce(x.pu, 0)::bigint, coalesce(x.pv, 0), coalesce(x.su, 0)::bigint, coalesce(x.sv, 0), coalesce(x.ru, 0)::bigint,
           coalesce(x.rv, 0), coalesce(x.lu, 0)::bigint, coalesce(x.lv, 0), coalesce(x.au, 0)::bigint, coalesce(x.av, 0),
           coalesce(x.cu, 0)::bigint, coalesce(x.cv, 0), coalesce(x.kv, 0),
           (coalesce(o.units, 0) + coalesce(x.units, 0))::bigint,
           case when o.value is not null or x.is_costed then coalesce(o.value, 0) + coalesce(x.value, 0) end, coalesce(x.uncosted, 0)::bigint,
           v.movement_sequence, encode(v.chain_head, 'hex')
      from public.product_variants v
      join public.products p on p.id = v.product_id
      left join opening o on o.variant_id = v.id
      left join part x on x.variant_id = v.id
     where v.movement_sequence > 0
     order by v.id;
end $$;

-- The hash of a movement of each of these variants, by its number; null where the ledger has no such movement.
create function stockroom_api.hashes_of(_variants uuid[], _sequences int[])
    returns table (variant_id uuid, chain_hash text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select u.id, encode(m.chain_hash, 'hex')
      from unnest(_variants, _sequences) u (id, sequence)
      left join public.stock_movements m on m.variant_id = u.id and m.variant_sequence = u.sequence;
$$;

-- The movements before the end of a month that were recorded after these numbers of their variants; a variant that is not named had
-- none. With the column of the month that each belongs to, `opening` for those before it.
create function stockroom_api.late_movements(_month date, _variants uuid[], _sequences int[])
    returns table (movement_id bigint, variant_id uuid, sku text, part text, reason text, quantity int, value_change numeric,
                   revalued numeric, occurred_at timestamptz, recorded_at timestamptz, performed_by text)
    language plpgsql stable security definer set search_path = pg_catalog, pg_temp set jit = off as $$
declare
    _zone text := (select s.zone from stockroom.shop s);
    _since timestamptz := stockroom_api.day_start(_month, _zone);
    _until timestamptz := stockroom_api.day_start((_month + interval '1 month')::date, _zone);
begin
    return query
    with late as materialized (
        select m.id, m.variant_id, m.occurred_at, m.created_at, m.performed_by, m.sku
          from public.product_variants v
          left join unnest(_variants, _sequences) u (id, sequence) on u.id = v.id
          join public.stock_movements m on m.variant_id = v.id and m.variant_sequence > coalesce(u.sequence, 0)
         where v.movement_sequence > coalesce(u.sequence, 0) and m.occurred_at < _until
    ), span as (
        select min(l.occurred_at) as first, max(l.occurred_at) as last, array_agg(distinct l.variant_id) as variants from late l
    )
    select l.id, l.variant_id, l.sku,
           case when l.occurred_at < _since then 'opening' else stockroom_api.month_group(w.movement_type, r.reason is not null) end,
           w.reason, w.quantity, w.value_change, w.revalued, l.occurred_at, l.created_at, l.performed_by
      from span s
     cross join lateral stockroom_api.movement_values(s.first, s.last + interval '1 microsecond', s.variants) w
      join late l on l.id = w.movement_id
      left join public.stock_movements o on o.id = w.reverses_id and w.reason = 'undo'
      left join stockroom_api.loss_reasons r on r.movement_type = w.movement_type and r.reason = coalesce(o.reason, w.reason)
     where s.first is not null
     order by l.id;
end $$;

grant select on stockroom_api.loss_reasons to stockroom_app;
grant execute on function
    stockroom_api.month_accounts(date), stockroom_api.hashes_of(uuid[], int[]), stockroom_api.late_movements(date, uuid[], int[])
    to stockroom_app;
