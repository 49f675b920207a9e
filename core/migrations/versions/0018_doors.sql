-- Doors that were kept open by name, and who may write the catalogue. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- Functions, views and rules of others that may move stock although others than the named roles can use them. R12 accepts them.
create table stockroom.kept_doors (
    name    text primary key check (length(name) between 1 and 500),
    kept_at timestamptz not null default now()
);

-- The roles that may write the catalogue directly: every column but those of stock.
create table stockroom.catalogue_writers (
    role    text primary key,
    inserts text[] not null default '{}',
    updates text[] not null default '{}'
);

-- Record a direct change of the catalogue, with the values that differ and the role that made it.
create function stockroom.note_catalogue() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _role text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
    _new jsonb := to_jsonb(new) - array(
        select a.attname::text from pg_attribute a where a.attrelid = tg_relid and a.attgenerated <> '')
        - '{updated_at,created_at,stock_quantity,reserved_quantity,computed_available_stock,movement_sequence,chain_head}'::text[];
    _old jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) end;
    _before jsonb;
    _after jsonb;
begin
    select jsonb_object_agg(n.key, _old -> n.key) filter (where _old is not null), jsonb_object_agg(n.key, n.value)
      into _before, _after
      from jsonb_each(_new) n
     where _old is null and n.value <> 'null' or _old is not null and n.value is distinct from _old -> n.key;
    if _after is not null then
        insert into stockroom.audit (performed_by, change, subject, before, after)
        values (_role, case tg_op when 'INSERT' then 'catalogue_added' else 'catalogue_changed' end,
                case tg_table_name when 'products' then 'product ' || (_new ->> 'name') else 'variant ' || (_new ->> 'sku') end,
                _before, _after);
    end if;
    return null;
end $$;

-- A shop on Supabase that moved in with an earlier release gets the rights back that its server had.
insert into stockroom.catalogue_writers (role, inserts, updates)
select r.rolname, '{products,product_variants}', '{products,product_variants}'
  from pg_roles r where r.rolname = 'service_role' and to_regclass('stockroom.adoption') is not null;
