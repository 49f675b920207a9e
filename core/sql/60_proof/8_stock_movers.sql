-- R12: only the named roles can move stock.

-- The roles that may move stock, and why. `adopt --check` and R12 show who else can.
create function stockroom_api.stock_movers() returns table (name text, why text)
    language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select r.rolname::text,
           case when r.rolsuper then 'superuser'
                when r.rolname = 'stockroom_owner' then 'owns the ledger'
                when r.rolname = 'stockroom_app' then 'the dashboard'
                when r.rolname = 'pg_write_all_data' then 'may write every table of this server'
                when r.rolname = 'service_role' then 'the storefront''s server'
                when r.oid = (select d.datdba from pg_database d where d.datname = current_database()) then 'owns the database'
                else 'may act as one of the others' end
      from stockroom_api.named_roles() n
      join pg_roles r on r.oid = n.role;
$$;

grant execute on function stockroom_api.stock_movers() to stockroom_app;

-- Rights on our own functions and tables that somebody has beyond the named roles. Only the owner may write stock in a table.
create function stockroom_api.loose_rights()
    returns table (kind text, oid oid, name text, relation oid, rights text[], who text[], through text, owner oid)
    language sql stable set search_path = pg_catalog, pg_temp set jit = off as $$
    with named as materialized (
        select array_agg(n.role) as ids,
               array_agg(n.role) filter (where r.rolsuper or pg_has_role(n.role, c.relowner, 'member')
                   or pg_has_role(n.role, d.datdba, 'member') or pg_has_role(n.role, 'pg_write_all_data', 'member')) as owners
          from stockroom_api.named_roles() n
          join pg_roles r on r.oid = n.role
          join pg_class c on c.oid = 'public.product_variants'::regclass
          join pg_database d on d.datname = current_database()
    ), granted as (
        select 'call' as kind, p.oid, p.oid::regprocedure::text as name, null::oid as relation, array['EXECUTE'] as rights,
               coalesce(p.proacl, acldefault('f', p.proowner)) as acl, p.pronamespace as schema, p.proowner as owner, named.ids
          from pg_proc p cross join named
         where p.pronamespace = 'public'::regnamespace
               and p.proname in ('update_variant_stock', 'process_order_stock_changes', 'reserve_stock', 'release_reservation')
            or p.pronamespace = 'stockroom_api'::regnamespace and p.provolatile = 'v'
        union all
        select 'write', c.oid, c.oid::regclass::text, c.oid, '{INSERT,UPDATE,DELETE,TRUNCATE}', c.relacl, c.relnamespace, c.relowner, named.owners
          from pg_class c cross join named
         where c.relacl is not null and c.relkind in ('r', 'p')
           and (c.oid in ('public.product_variants'::regclass, 'public.stock_movements'::regclass)
                or c.relnamespace = 'stockroom'::regnamespace and c.relname <> 'history_rows')
        union all
        select 'write', c.oid, c.oid::regclass || '.' || a.attname, c.oid, '{INSERT,UPDATE}', a.attacl, c.relnamespace, c.relowner, named.owners
          from pg_attribute a join pg_class c on c.oid = a.attrelid cross join named
         where a.attacl is not null
           and (a.attrelid = 'public.stock_movements'::regclass
                or a.attrelid = 'public.product_variants'::regclass and a.attname = any (stockroom_api.stock_columns()))
    )
    select g.kind, g.oid, g.name, g.relation, g.rights, o.who, 'our own', g.owner
      from granted g
     cross join lateral (select stockroom_api.outsiders(g.ids, g.acl, g.rights, g.schema, null)) o (who)
     where o.who is not null;
$$;

-- R12: who can move stock beyond the named roles: by a right on what is ours, by a membership, or through a door that was not
-- kept open by name.
create view stockroom_api.door_faults as
select d.kind, d.name, d.relation::regclass::text as relation, d.rights, d.who, d.through
  from stockroom_api.doors() d
 where not exists (select from stockroom.kept_doors k where k.name = d.name)
union all
select r.kind, r.name, r.relation::regclass::text, r.rights, r.who, r.through
  from stockroom_api.loose_rights() r
union all
select 'member', n.rolname, null, '{}', array_agg(o.rolname::text order by o.rolname), 'our own'
  from pg_roles o
  join pg_roles n on n.rolname in ('stockroom_owner', 'stockroom_app', 'service_role') and pg_has_role(o.oid, n.oid, 'member')
 where o.rolname in ('anon', 'authenticated')
 group by n.rolname;
