-- Importing a shop's history. core/ledger/history.py copies the rows of a file into stockroom.history_rows in time order, at the
-- even places 2, 4, 6 ... (column `line`). The odd place before a row is free for the opening count of its SKU.

-- Start or continue the import of a file, identified by its digest. The row stays locked until the end of the transaction, so
-- that two processes with the same file take turns. Refuses: SK008 (the shop has the sample data), SK009, SK010.
create function stockroom_api.open_history(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _digest text, _file_name text, _rows_total int,
    _into_sample boolean
) returns table (import_id bigint, rows_staged int, is_finished boolean)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    perform stockroom_api.require(_user_id, _session_id, _roles, _name);
    perform stockroom_api.refuse_sample_shop(_into_sample);
    insert into stockroom.history_imports (digest, file_name, rows_total)
    values (_digest, left(_file_name, 200), _rows_total)
    on conflict (digest) do nothing;
    -- Locked first, in a separate statement: the count of rows must see those of the process that held the lock before.
    perform from stockroom.history_imports i where i.digest = _digest for no key update;
    return query
    update stockroom.history_imports i
       set rows_staged = case when i.finished_at is null
                              then coalesce((select max(h.line) / 2 from stockroom.history_rows h where h.import_id = i.id), 0)
                              else i.rows_staged end
     where i.digest = _digest
    returning i.id, i.rows_staged, i.finished_at is not null;
end $$;

-- Prepare the posting: check the rows, leave out those that an earlier import has posted, create unknown SKUs, lock the variants,
-- and insert the opening counts. Returns no row if the file has been imported meanwhile. Refuses: SK008, SK009, SK010.
create function stockroom_api.begin_history(
    _user_id bigint, _session_id bigint, _roles text[], _name text, _import_id bigint
) returns table (new_codes bigint)
    language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '10s' set work_mem = '64MB'
    set plan_cache_mode = force_custom_plan as $$
declare
    _performed_by text := stockroom_api.require(_user_id, _session_id, _roles, _name);
    _import stockroom.history_imports;
    _skus text[];
begin
    select i.* into strict _import from stockroom.history_imports i where i.id = _import_id for no key update;
    if _import.finished_at is not null then
        return;
    end if;
    analyze stockroom.history_rows (import_id, line, sku);
    perform stockroom_api.check_history(_import);
    _skus := stockroom_api.name_history(_import_id);
    perform stockroom_api.refuse_cased_skus(_skus);
    if exists (select from public.product_variants v where v.sku = any (_skus) and v.movement_sequence > 0) then
        if stockroom_api.leave_out_known(_import) = _import.rows_total then
            return;
        end if;
        perform stockroom_api.refuse_second_initial(_import_id);
        _skus := stockroom_api.history_skus(_import_id);
    end if;
    new_codes := stockroom_api.create_history_variants(_import_id);
    perform stockroom_api.lock_variants(array(select v.id from public.product_variants v where v.sku = any (_skus)));
    if exists (select from public.product_variants v where v.sku = any (_skus) and v.last_moved_at is not null) then
        perform stockroom_api.refuse_later_movements(_import_id);
    end if;
    perform stockroom_api.insert_openings(_import_id);
    update stockroom.history_imports
       set operation_id = stockroom_api.claim_operation(
               'history:' || _import.digest, 'import_history', _import.digest, _user_id, _performed_by)
     where id = _import_id;
    return next;
end $$;

-- Refuse staged rows that are incomplete or that their reason does not allow. The reader of the file has reported such rows
-- before; this check protects the ledger itself. Refuses: SK008.
create function stockroom_api.check_history(_import stockroom.history_imports) returns void
    language plpgsql stable as $$
declare
    _bad record;
begin
    select count(*) filter (where h.line % 2 = 0) as rows, max(h.line) as last_place,
           min(h.line) filter (where h.line % 2 = 1 or h.occurred_at > now() or r.reason is null or r.reason = 'undo'
                               or (h.quantity = 0 and h.movement_type <> 'count') or sign(h.quantity) = -r.sign and r.sign <> 0)
               as place
      into _bad
      from stockroom.history_rows h
      left join stockroom.reasons r on r.movement_type = h.movement_type and r.reason = h.reason
     where h.import_id = _import.id;
    if _bad.rows <> _import.rows_total or _bad.last_place <> _import.rows_total * 2 or _bad.place is not null then
        perform stockroom_api.refuse('SK008', 'The staged rows are not those of the file.', jsonb_build_object(
            'field', 'history', 'why', 'is not staged as the file has it', 'rows', _bad.rows, 'place', _bad.place));
    end if;
end $$;

-- Insert an opening count for each SKU whose level would go below zero: the smallest that makes its history possible, one second
-- before its first row. A SKU that the ledger knows already gets a cycle count instead of an initial count.
create function stockroom_api.insert_openings(_import_id bigint) returns void
    language sql as $$
    with running as (
        select v.id, h.line, h.occurred_at,
               v.stock_quantity + sum(h.quantity) over (partition by v.id order by h.line rows unbounded preceding) as level
          from stockroom.history_rows h
          join public.product_variants v on v.sku = h.sku
         where h.import_id = _import_id
    ), short as (
        select r.id, min(r.level) as lowest, min(r.line) as first_place, min(r.occurred_at) as first_at
          from running r
         group by r.id
        having min(r.level) < 0
    ), opening as (
        insert into stockroom.history_rows (import_id, line, occurred_at, sku, movement_type, reason, quantity)
        select _import_id, s.first_place - 1, greatest(s.first_at - interval '1 second', v.last_moved_at), v.sku, 'count',
               case when v.movement_sequence = 0 then 'initial_count' else 'cycle_count' end, -s.lowest
          from short s
          join public.product_variants v on v.id = s.id
        returning quantity
    )
    update stockroom.history_imports
       set opening_codes = (select count(*) from opening), opening_units = (select coalesce(sum(quantity), 0) from opening)
     where id = _import_id;
$$;

-- Post the rows at the places after `_after` up to `_until`. It works only inside the transaction that began the import, so
-- that half a history is never committed. Returns how many movements were written. By its settings, a chunk is joined by
-- hashes and sorted in memory, the check of the foreign key is planned once instead of for each row, and no expression is
-- compiled, which would take longer than it saves.
create function stockroom_api.post_history(_import_id bigint, _after int, _until int) returns bigint
    language plpgsql security definer set search_path = pg_catalog, pg_temp set jit = off
    set plan_cache_mode = auto set enable_nestloop = off set enable_mergejoin = off set work_mem = '64MB' as $$
declare
    _import stockroom.history_imports;
    _operation stockroom.operations;
begin
    select i.* into strict _import from stockroom.history_imports i where i.id = _import_id and i.finished_at is null;
    select o.* into strict _operation from stockroom.operations o where o.id = _import.operation_id and o.created_at = now();
    return coalesce(nullif(stockroom_api.post_staged(_import, _operation, _after, _until), 0),
        stockroom_api.post_staged_lines(_import, _operation, _after, _until));
end $$;

-- Finish the import: check that every row and every opening count is a movement now, and delete the staged rows.
create function stockroom_api.finish_history(_import_id bigint)
    returns table (operation_id bigint, opening_codes int, opening_units bigint, rows_known int)
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _import stockroom.history_imports;
begin
    select i.* into strict _import from stockroom.history_imports i where i.id = _import_id and i.finished_at is null;
    if (select count(*) from public.stock_movements m where m.operation_id = _import.operation_id)
       <> _import.rows_total - _import.rows_known + _import.opening_codes then
        raise exception 'the history of import % was not posted as a whole', _import_id;
    end if;
    delete from stockroom.history_rows h where h.import_id = _import_id;
    update stockroom.history_imports i set rows_staged = i.rows_total, finished_at = clock_timestamp() where i.id = _import_id;
    return query select _import.operation_id, _import.opening_codes, _import.opening_units, _import.rows_known;
end $$;

-- The result of a finished import, for a repeat of it.
create function stockroom_api.told_history(_digest text)
    returns table (operation_id bigint, rows_total int, opening_codes int, opening_units bigint, finished_at timestamptz, rows_known int)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select i.operation_id, i.rows_total, i.opening_codes, i.opening_units, i.finished_at, i.rows_known
      from stockroom.history_imports i
     where i.digest = _digest and i.finished_at is not null;
$$;

grant execute on function
    stockroom_api.open_history(bigint, bigint, text[], text, text, text, int, boolean),
    stockroom_api.begin_history(bigint, bigint, text[], text, bigint),
    stockroom_api.post_history(bigint, int, int),
    stockroom_api.finish_history(bigint),
    stockroom_api.told_history(text)
    to stockroom_app;
