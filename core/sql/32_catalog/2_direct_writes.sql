-- The catalogue is the storefront's to write: roles that could write it before adopting may write every column but those of stock.

-- The columns that only the ledger writes.
create function stockroom_api.stock_columns() returns text[]
    language sql immutable
    return array['stock_quantity', 'reserved_quantity', 'computed_available_stock', 'movement_sequence', 'chain_head',
                 'last_moved_at', 'last_counted_at'];

-- Grant the writers of the catalogue their rights on the columns that there are now, and record direct changes of these columns. The
-- moments of a row are no change of the catalogue; without them, the trigger is not asked at each posting.
create function stockroom_api.open_catalogue() returns void
    language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    _table text;
    _columns text;
    _recorded text;
    _writer record;
begin
    foreach _table in array array['products', 'product_variants'] loop
        execute format('drop trigger if exists catalogue_audit on public.%I', _table);
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum),
               string_agg(quote_ident(a.attname), ', ' order by a.attnum) filter (where a.attname not in ('created_at', 'updated_at'))
          into _columns, _recorded
          from pg_attribute a
         where a.attrelid = format('public.%I', _table)::regclass and a.attnum > 0 and not a.attisdropped
           and a.attgenerated = '' and a.attname <> all (stockroom_api.stock_columns());
        for _writer in
            select w.role, x.what from stockroom.catalogue_writers w
              join pg_roles r on r.rolname = w.role
             cross join lateral (values ('insert', w.inserts), ('update', w.updates)) x (what, tables)
             where _table = any (x.tables) order by 1, 2
        loop
            execute format('grant %s (%s) on public.%I to %I', _writer.what, _columns, _table, _writer.role);
        end loop;
        execute format('create trigger catalogue_audit after insert or update of %s on public.%I for each row '
                       'when (current_user <> ''stockroom_owner'') execute function stockroom.note_catalogue()', _recorded, _table);
    end loop;
end $$;
