-- Doors: functions, triggers, rules and views of others through which a role that is not named moves stock with its owner's rights.
-- core/adoption runs this file before our schema exists, with every name in pg_temp. So it uses PostgreSQL's own catalogue only.

-- The roles that may move stock: superusers, owners, ours, the storefront's server, and roles that may act as one of these.
create function stockroom_api.named_roles() returns table (role oid)
    language sql stable as $$
    with named as (
        select r.oid from pg_roles r
         where r.rolname in ('stockroom_owner', 'stockroom_app', 'service_role', 'pg_write_all_data')
        union
        select d.datdba from pg_database d where d.datname = current_database()
        union
        select c.relowner from pg_class c
         where c.oid in (to_regclass('public.product_variants'), to_regclass('public.stock_movements'))
    )
    select r.oid from pg_roles r
     where r.rolname not in ('anon', 'authenticated')
       and (r.rolsuper or exists (select from named n where pg_has_role(r.oid, n.oid, 'member')));
$$;

-- Whether a schema is the server's or ours; nothing in it is a door of others.
create function stockroom_api.is_closed_schema(_schema name) returns boolean
    language sql immutable
    return _schema ~ '^pg_' or _schema in ('information_schema', 'stockroom', 'stockroom_api', 'procrastinate');

-- Whether a function in plpgsql runs a statement that one of its arguments holds or completes without quoting.
create function stockroom_api.runs_arguments(_function oid) returns boolean
    language sql stable as $$
    select exists (
        select from pg_proc p
          join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
         cross join regexp_matches(lower(p.prosrc), '\mexecute\M([^;]*)', 'g') m
         cross join lateral (select regexp_replace(regexp_replace(m[1], '\musing\M.*', ''),
                                                   'quote_\w+\s*\([^)]*\)', '', 'g')) s (statement)
         where p.oid = _function
           and (s.statement ~ '^\s*\(?\s*\$\d'
                or (s.statement !~ '\mformat\M' or s.statement ~ '%(\d+\$)?s')
                   and exists (select from unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[])) a (name, type)
                                 join pg_type t on t.oid = a.type and t.typcategory = 'S'
                                where a.name ~ '^\w+$' and s.statement ~ ('\m' || lower(a.name) || '\M'))));
$$;

-- The functions and rules of others as lower-case text: whether they put statements together while they run, and whether they write
-- stock themselves. Whole lines of comment are left out.
create function stockroom_api.foreign_texts() returns table (kind text, oid oid, body text, is_dynamic boolean, writes boolean)
    language sql stable as $$
    with found as materialized (
        select 'function' as kind, p.oid, lower(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)) as body
          from pg_proc p
          join pg_language l on l.oid = p.prolang and l.lanname not in ('c', 'internal')
          join pg_namespace n on n.oid = p.pronamespace and not stockroom_api.is_closed_schema(n.nspname)
         where p.prokind in ('f', 'p')
           and not (p.pronamespace = 'public'::regnamespace
                    and p.proname in ('update_variant_stock', 'process_order_stock_changes', 'validate_order_stock',
                                      'reserve_stock', 'release_reservation'))
           and not exists (select from pg_depend d
                            where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
        union all
        select 'rule', r.oid, lower(pg_get_ruledef(r.oid))
          from pg_rewrite r
          join pg_class c on c.oid = r.ev_class
          join pg_namespace n on n.oid = c.relnamespace and not stockroom_api.is_closed_schema(n.nspname)
         where r.ev_type <> '1'
    ), code as materialized (
        select f.kind, f.oid,
               case when strpos(f.body, '--') > 0 then regexp_replace(f.body, '(^|\n)\s*--[^\n]*', '\1', 'g') else f.body end as body
          from found f
    )
    select c.kind, c.oid, c.body, d.is_dynamic,
           d.is_near and (c.body ~ (w.verb || '"?(stock_movements\M|stockroom"?\s*\.)')
           or c.body ~ (w.verb || '"?product_variants\M')
              and (c.body ~ '\m(stock_quantity|reserved_quantity|movement_sequence|chain_head)\M'
                   or c.body ~ 'into\s+("?\w+"?\s*\.\s*)?"?product_variants"?\s+(as\s+\w+\s+)?(select|values|overriding|table|with)\M')
           or d.is_dynamic and c.body ~ '\m(product_variants|stock_movements)\M'
              and c.body ~ '\m(insert|update|delete|merge|truncate)\M')
           or d.is_dynamic and stockroom_api.runs_arguments(c.oid)
      from code c
     cross join (values ('\m(insert\s+into|update|delete\s+from|merge\s+into|truncate(\s+table)?|copy)\s+(only\s+)?'
                         '("?public"?\s*\.\s*)?')) w (verb)
     cross join lateral (select c.kind = 'function' and strpos(c.body, 'execute') > 0,
                                strpos(c.body, 'product_variants') + strpos(c.body, 'stock_movements') + strpos(c.body, 'stockroom') > 0)
                        d (is_dynamic, is_near);
$$;

-- Every step by which a function, rule or relation of others leads to another: calls and writes by their text, calls that PostgreSQL
-- knows, triggers, rules, and views that write their table.
create function stockroom_api.foreign_steps() returns table (kind text, oid oid, to_kind text, to_oid oid)
    language sql stable as $$
    with code as materialized (
        select t.* from stockroom_api.foreign_texts() t
    ), callee as materialized (
        select p.oid, lower(p.proname) as name, p.proname !~ '^\w+$' as is_odd
          from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where p.prokind in ('f', 'p') and (not stockroom_api.is_closed_schema(n.nspname) or n.nspname = 'stockroom_api')
    ), relation as materialized (
        select c.oid, lower(c.relname) as name, c.relkind,
               n.nspname = 'public' and c.relname in ('products', 'product_variants', 'stock_movements') as is_ours
          from pg_class c
          join pg_namespace n on n.oid = c.relnamespace and not stockroom_api.is_closed_schema(n.nspname)
         where c.relkind in ('r', 'p', 'v')
    )
    select 'function', w.oid, 'function', p.oid
      from (select c.oid, rtrim(t.word, '(') as name
              from code c,  -- a word before a parenthesis keeps it; all other signs become spaces
                   string_to_table(translate(regexp_replace(c.body, '"?\s*\(', '( ', 'g'), E'"''`.,;:=<>+-*/|[]{}%!?@#&~^\\$)\n\r\t',
                                             repeat(' ', 40)), ' ') t (word)
             where c.kind = 'function' and t.word <> ''
               and (c.is_dynamic or right(t.word, 1) = '(')) w  -- in a statement that is put together, a name alone becomes a call
      join callee p on p.name = w.name
    union
    select 'function', c.oid, 'function', p.oid
      from code c join callee p on p.is_odd and strpos(c.body, p.name) > 0
     where c.kind = 'function'
    union
    select 'function', d.objid, 'function', d.refobjid
      from pg_depend d where d.classid = 'pg_proc'::regclass and d.refclassid = 'pg_proc'::regclass and d.deptype = 'n'
    union
    select w.kind, w.oid, 'relation', r.oid
      from (select distinct c.kind, c.oid, btrim(m[1], '"') as name
              from code c,
                   regexp_matches(c.body, '\m(?:insert\s+into|update|delete\s+from|merge\s+into|truncate(?:\s+table)?|copy)\s+'
                                          '(?:only\s+)?(?:(?:"[^"]+"|[\w$]+)\s*\.\s*)?("[^"]+"|[\w$]+)', 'g') m
             where c.body ~ 'insert|update|delete|merge|truncate|copy') w
      join relation r on r.name = w.name
    union
    select 'relation', r.oid, 'function', t.tgfoid
      from relation r join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal and t.tgenabled in ('O', 'A')
     where not r.is_ours
    union
    select 'relation', r.oid, 'rule', w.oid
      from relation r join pg_rewrite w on w.ev_class = r.oid and w.ev_type <> '1' and w.ev_enabled in ('O', 'A')
     where not r.is_ours
    union
    select 'relation', r.oid, 'relation', d.refobjid
      from relation r
      join pg_rewrite w on w.ev_class = r.oid and w.ev_type = '1'
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
                      and d.refobjid <> r.oid
     where r.relkind = 'v' and pg_relation_is_updatable(r.oid, false) & 28 > 0;
$$;

-- Everything of others that leads to stock, each with one thing that it leads to next: our functions by name, our tables where it
-- writes stock, or any statement.
create function stockroom_api.ways_to_stock() returns table (kind text, oid oid, through text)
    language sql stable as $$
    with recursive code as materialized (
        select t.* from stockroom_api.foreign_texts() t
    ), step as materialized (
        select s.* from stockroom_api.foreign_steps() s
    ), first as materialized (
        select c.kind, c.oid,
               case when stockroom_api.runs_arguments(c.oid) then 'any statement' else 'our tables' end as through
          from code c where c.writes
        union all
        select s.kind, s.oid, p.oid::regprocedure::text
          from step s
          join pg_proc p on s.to_kind = 'function' and p.oid = s.to_oid
          left join code c on c.kind = s.kind and c.oid = s.oid
         where p.pronamespace = 'public'::regnamespace
               and p.proname in ('update_variant_stock', 'process_order_stock_changes', 'reserve_stock', 'release_reservation')
            or p.pronamespace = to_regnamespace('stockroom_api') and p.provolatile = 'v' and c.body ~ '\mstockroom_api\M'
        union all
        select s.kind, s.oid, a.attrelid::regclass || '.' || a.attname
          from step s
          join pg_attribute a on s.to_kind = 'relation' and a.attrelid = s.to_oid
          join pg_rewrite w on w.ev_class = s.oid and w.ev_type = '1'
          join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
                          and d.refobjid = a.attrelid and d.refobjsubid = a.attnum
         where s.kind = 'relation'
           and (a.attrelid = to_regclass('public.stock_movements')
                or a.attrelid = to_regclass('public.product_variants') and a.attname in ('stock_quantity', 'reserved_quantity'))
    ), reached as (
        select f.kind, f.oid from first f
        union
        select s.kind, s.oid from reached r join step s on s.to_kind = r.kind and s.to_oid = r.oid
    )
    select r.kind, r.oid,
           coalesce((select min(f.through) from first f where f.kind = r.kind and f.oid = r.oid),
                    (select min(case s.to_kind when 'function' then s.to_oid::regprocedure::text
                                when 'relation' then s.to_oid::regclass::text else 'a rule' end)
                       from step s join reached x on x.kind = s.to_kind and x.oid = s.to_oid
                      where s.kind = r.kind and s.oid = r.oid and s.to_oid <> r.oid))
      from reached r;
$$;

-- Who of those that are not named has one of these rights. To use an object, one must also be allowed to use its schema, and
-- row level security must let the row pass.
create function stockroom_api.outsiders(_named oid[], _rights aclitem[], _what text[], _schema oid, _relation oid) returns text[]
    language sql stable as $$
    select array_agg(distinct w.who order by w.who)
      from aclexplode(_rights) a
     cross join (select exists (select from pg_namespace n, aclexplode(n.nspacl) x
                                 where n.oid = _schema and x.grantee = 0 and x.privilege_type = 'USAGE')) s (is_public)
     cross join lateral (
        select 'public' as who, 0::oid as role where a.grantee = 0 and s.is_public
        union all
        select r.rolname::text, r.oid from pg_roles r
         where (r.oid = a.grantee or a.grantee = 0 and not s.is_public and r.rolname !~ '^pg_')
           and r.oid <> all (_named) and has_schema_privilege(r.oid, _schema, 'usage')) w
     where a.privilege_type = any (_what)
       and (a.privilege_type = 'TRUNCATE'
            or not exists (select from pg_class c where c.oid = _relation and c.relrowsecurity)
            or exists (select from pg_roles r where r.oid = w.role and r.rolbypassrls)
            or exists (select from pg_policy p, unnest(p.polroles) x
                        where p.polrelid = _relation and p.polpermissive
                          and p.polcmd in ('*', case a.privilege_type when 'INSERT' then 'a' when 'UPDATE' then 'w' else 'd' end)
                          and (x = 0 or w.role = 0 or pg_has_role(w.role, x, 'usage'))));
$$;

-- The doors that are open, whether kept or not: what it is, the name by which it can be kept, the relation whose `rights` open it
-- (null for a function, which EXECUTE opens), who can use it, and what it leads to.
create function stockroom_api.doors()
    returns table (kind text, oid oid, name text, relation oid, rights text[], who text[], through text, owner oid)
    language sql stable set search_path = pg_catalog, pg_temp set jit = off as $$
    with named as materialized (
        select array_agg(n.role) as ids from stockroom_api.named_roles() n
    ), way as materialized (
        select w.* from stockroom_api.ways_to_stock() w
    ), entry as (
        select 'function' as kind, p.oid, p.oid::regprocedure::text as name, null::oid as relation, array['EXECUTE'] as rights,
               p.proowner as owner, w.through, p.proowner as by
          from way w join pg_proc p on w.kind = 'function' and p.oid = w.oid
         where p.prosecdef and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
        union all
        select 'trigger', p.oid, p.oid::regprocedure::text, c.oid,
               array_remove(array[case when t.tgtype & 4 > 0 then 'INSERT' end, case when t.tgtype & 8 > 0 then 'DELETE' end,
                                  case when t.tgtype & 16 > 0 then 'UPDATE' end, case when t.tgtype & 32 > 0 then 'TRUNCATE' end], null),
               c.relowner, w.through, p.proowner
          from way w
          join pg_proc p on w.kind = 'function' and p.oid = w.oid and p.prosecdef
          join pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal and t.tgenabled in ('O', 'A')
          join pg_class c on c.oid = t.tgrelid
        union all
        select 'rule', c.oid, c.oid::regclass::text, c.oid, array[case r.ev_type when '2' then 'UPDATE' when '3' then 'INSERT' else 'DELETE' end],
               c.relowner, w.through, c.relowner
          from way w join pg_rewrite r on w.kind = 'rule' and r.oid = w.oid join pg_class c on c.oid = r.ev_class
        union all
        select 'view', c.oid, c.oid::regclass::text, c.oid, '{INSERT,UPDATE,DELETE}', c.relowner, w.through, c.relowner
          from way w
          join pg_class c on w.kind = 'relation' and c.oid = w.oid and c.relkind = 'v'
         where pg_relation_is_updatable(c.oid, false) & 28 > 0 and right(w.through, 1) <> ')'  -- else its trigger is the door
           and not coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false)
    )
    select e.kind, e.oid, e.name, e.relation, e.rights, o.who, e.through, e.owner
      from entry e
     cross join named
      left join pg_class c on c.oid = e.relation
      left join pg_proc p on e.relation is null and p.oid = e.oid
     cross join lateral (select stockroom_api.outsiders(named.ids,
               case when e.relation is null then coalesce(p.proacl, acldefault('f', p.proowner))
                    else coalesce(c.relacl, acldefault('r', c.relowner))
                         || coalesce((select array_agg(x) from pg_attribute a, unnest(a.attacl) x where a.attrelid = c.oid), '{}') end,
               e.rights, coalesce(p.pronamespace, c.relnamespace), e.relation)) o (who)
     where o.who is not null and e.by = any (named.ids)
       and (c.oid is null or not (c.relnamespace = 'public'::regnamespace
                                  and c.relname in ('products', 'product_variants', 'stock_movements')))
     order by e.kind, e.name;
$$;
