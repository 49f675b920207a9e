-- Rows of a history file that were posted before: the same file with other line ends, or one that overlaps an earlier one.

-- Take the staged rows out that an earlier import has posted, one for one. Returns how many. A file all of whose rows are known is
-- finished with the operation that posted them.
create function stockroom_api.leave_out_known(_import stockroom.history_imports) returns int
    language plpgsql set plan_cache_mode = force_custom_plan as $$
declare
    _known int := 0;
    _operation_id bigint;
begin
    if not exists (select from stockroom.history_imports i where i.finished_at is not null) then
        return 0;
    end if;
    with staged as (
        select h.line, v.id as variant_id, h.occurred_at, h.movement_type, h.reason, h.quantity, h.reference,
               row_number() over (partition by v.id, h.occurred_at, h.movement_type, h.reason, h.quantity, h.reference
                                  order by h.line) as n
          from stockroom.history_rows h
          join public.product_variants v on v.sku = h.sku
         where h.import_id = _import.id and v.movement_sequence > 0
    ), posted as (
        select m.variant_id, m.occurred_at, m.movement_type, m.reason, m.quantity, m.reference_id, m.operation_id,
               row_number() over (partition by m.variant_id, m.occurred_at, m.movement_type, m.reason, m.quantity, m.reference_id
                                  order by m.id) as n
          from public.stock_movements m
         where m.variant_id in (select s.variant_id from staged s)
           and m.operation_id in (select i.operation_id from stockroom.history_imports i where i.finished_at is not null)
           and (m.note is null or m.note not like 'Smallest opening that makes the history in %')
    ), gone as (
        delete from stockroom.history_rows h
         using staged s
          join posted p on p.variant_id = s.variant_id and p.occurred_at = s.occurred_at and p.movement_type = s.movement_type
               and p.reason = s.reason and p.quantity = s.quantity and p.reference_id is not distinct from s.reference and p.n = s.n
         where h.import_id = _import.id and h.line = s.line
        returning p.operation_id
    )
    select count(*), max(g.operation_id) into _known, _operation_id from gone g;
    update stockroom.history_imports i
       set rows_known = _known,
           operation_id = case when _known = i.rows_total then _operation_id end,
           opening_codes = case when _known = i.rows_total then 0 end,
           opening_units = case when _known = i.rows_total then 0 end,
           rows_staged = i.rows_total,
           finished_at = case when _known = i.rows_total then clock_timestamp() end
     where i.id = _import.id and _known > 0;
    return _known;
end $$;

-- A moment as text, in the shop's zone.
create function stockroom_api.shop_time(_at timestamptz) returns text
    language sql stable
    return to_char(_at at time zone (select zone from stockroom.shop), 'YYYY-MM-DD HH24:MI');

-- Refuse a staged initial count of a SKU that has been counted initially before: its later counts are cycle counts. Refuses: SK008.
create function stockroom_api.refuse_second_initial(_import_id bigint) returns void
    language plpgsql stable as $$
declare
    _second record;
    _why text;
begin
    select v.sku, m.occurred_at, m.quantity into _second
      from stockroom.history_rows h
      join public.product_variants v on v.sku = h.sku and v.movement_sequence > 0
      join public.stock_movements m on m.variant_id = v.id and m.reason = 'initial_count'
     where h.import_id = _import_id and h.reason = 'initial_count'
     order by v.sku, m.variant_sequence
     limit 1;
    if found then
        _why := format('has an initial count of SKU %s, which had its initial count of %s on %s; call a later count cycle_count',
            _second.sku, _second.quantity, stockroom_api.shop_time(_second.occurred_at));
        perform stockroom_api.refuse('SK008', 'The file ' || _why || '.', jsonb_build_object(
            'field', 'history', 'why', _why, 'sku', _second.sku));
    end if;
end $$;

-- Refuse a file with rows older than a movement of the same SKU in the ledger: history must be imported first. Refuses: SK008.
create function stockroom_api.refuse_later_movements(_import_id bigint) returns void
    language plpgsql stable as $$
declare
    _later record;
    _why text;
begin
    select count(*) as codes, min(v.sku) as sku, (array_agg(v.last_moved_at order by v.sku))[1] as moved_at,
           (array_agg(f.first_at order by v.sku))[1] as first_at
      into _later
      from (select h.sku, min(h.occurred_at) as first_at from stockroom.history_rows h
             where h.import_id = _import_id group by h.sku) f
      join public.product_variants v on v.sku = f.sku
     where v.last_moved_at > f.first_at;
    if _later.codes > 0 then
        _why := format('goes back to %s for SKU %s, which has a movement of %s in the ledger%s; import history first',
            stockroom_api.shop_time(_later.first_at), _later.sku, stockroom_api.shop_time(_later.moved_at),
            case when _later.codes > 1 then format(', and so for %s SKUs', _later.codes) else '' end);
        perform stockroom_api.refuse('SK008', 'The file ' || _why || '.', jsonb_build_object(
            'field', 'history', 'why', _why, 'sku', _later.sku, 'codes', _later.codes));
    end if;
end $$;
