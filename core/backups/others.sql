-- What is on our tables, but uses something that a backup leaves out; or is another owner's altogether. Parameters: owner.
with mine as materialized (
    select c.oid, c.relname, c.oid::regclass::text as name
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relowner = %(owner)s::regrole
), carried as materialized (
    -- Types of others that a backup contains: those of `public` that are neither an extension's nor the row of a table, nor a domain
    -- that needs an extension or a function.
    select t.oid
      from pg_type t
      join pg_type e on e.oid = coalesce(nullif(t.typelem, 0), t.oid)
      left join pg_class r on r.oid = e.typrelid
     where e.typnamespace = 'public'::regnamespace and e.typtype in ('e', 'd', 'c', 'r', 'm') and coalesce(r.relkind, 'c') = 'c'
       and not exists (select from pg_depend x
                        where x.classid = 'pg_type'::regclass and x.objid in (e.oid, e.typbasetype) and x.deptype = 'e')
       and not exists (select from pg_constraint k
                         join pg_depend x on x.classid = 'pg_constraint'::regclass and x.objid = k.oid
                        where k.contypid = e.oid and x.refclassid = 'pg_proc'::regclass and x.refobjid >= 16384)
), strange as materialized (
    select d.classid, d.objid, string_agg(distinct pg_describe_object(d.refclassid, d.refobjid, 0), ', ') as uses
      from pg_depend d
      left join pg_class c on d.refclassid = 'pg_class'::regclass and c.oid = d.refobjid and c.relkind <> 'i'
      left join pg_proc f on d.refclassid = 'pg_proc'::regclass and f.oid = d.refobjid
      left join pg_type t on d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid
     where d.refobjid >= 16384 and d.deptype in ('n', 'a')
       and d.classid in ('pg_policy'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass,
                         'pg_class'::regclass)
       and (c.relowner <> %(owner)s::regrole or f.proowner <> %(owner)s::regrole
            or (t.typowner <> %(owner)s::regrole and t.oid not in (select oid from carried))
            or d.refclassid in ('pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_collation'::regclass,
                                'pg_ts_config'::regclass, 'pg_ts_dict'::regclass))
     group by 1, 2
), columns as materialized (
    select m.oid, m.relname, m.name as inside, a.attname, a.attnum, quote_ident(a.attname) as ident,
           format_type(a.atttypid, a.atttypmod) as type,
           E'\n    ' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod) as line,
           a.attgenerated, a.attnotnull,
           -- From 18 on, it is a constraint. A dump names it if its name is not the usual one.
           case when a.attnotnull then coalesce(
               (select ' CONSTRAINT ' || quote_ident(k.conname) from pg_constraint k
                 where k.conrelid = m.oid and k.contype = 'n' and k.conkey = array[a.attnum]
                   and k.conname <> m.relname || '_' || a.attname || '_not_null'), '') || ' NOT NULL' else '' end as required,
           pg_get_expr(f.adbin, f.adrelid) as expression, s.uses,
           case when t.oid >= 16384 and t.typowner <> %(owner)s::regrole and t.oid not in (select oid from carried)
                then pg_describe_object('pg_type'::regclass, t.oid, 0) end as strange_type,
           -- As in a dump: what follows the default, if a column has an order of its own.
           case when a.attcollation >= 16384 then pg_describe_object('pg_collation'::regclass, a.attcollation, 0) end as strange_order,
           ' COLLATE ' || quote_ident(n.nspname) || '.' || quote_ident(l.collname) as order
      from mine m
      join pg_attribute a on a.attrelid = m.oid and a.attnum > 0 and not a.attisdropped
      join pg_type t on t.oid = a.atttypid
      left join pg_collation l on l.oid = a.attcollation
      left join pg_namespace n on n.oid = l.collnamespace
      left join pg_attrdef f on f.adrelid = a.attrelid and f.adnum = a.attnum
      left join strange s on s.classid = 'pg_attrdef'::regclass and s.objid = f.oid
)
select 'default' as kind, format('the default of %%s.%%s', inside, ident) as what, 'it uses ' || uses as why,
       format('alter table %%s alter column %%s set default %%s', inside, ident, expression) as statement,
       array[]::text[] as entries, inside, line || ' DEFAULT ' || expression as cut, line as instead, 0 as id
  from columns where uses is not null and attgenerated = ''
union all
select 'generated', format('the generated values of %%s.%%s', inside, ident), 'they use ' || uses,
       format('alter table %%s rename column %%s to %%I; alter table %%s add column %%s %%s generated always as (%%s) stored',
              inside, ident, left(attname, 57) || '_empty', inside, ident, type, expression),
       array[]::text[], inside, line || ' GENERATED ALWAYS AS (' || expression || ') STORED'
       || required, line, 0
  from columns where uses is not null and attgenerated = 's'
union all
select 'type', format('the type of %%s.%%s, which is restored as text', inside, ident), 'it is ' || strange_type,
       format('alter table %%s rename column %%s to %%I; alter table %%s add column %%s %%s; update %%s set %%s = %%I::%%s',
              inside, ident, left(attname, 57) || '_text', inside, ident, type, inside, ident, left(attname, 57) || '_text', type),
       array[]::text[], inside, line, E'\n    ' || ident || ' text', 0
  from columns where strange_type is not null
union all
select 'type', format('the sort order of %%s.%%s, which is restored with the usual one', inside, ident), 'it is ' || strange_order,
       format('alter table %%s rename column %%s to %%I; alter table %%s add column %%s %%s%%s%%s', inside, ident,
              left(attname, 57) || '_usual', inside, ident, type, "order", value)
       || case when attgenerated = '' then format('; update %%s set %%s = %%I', inside, ident, left(attname, 57) || '_usual') else '' end
       || case when attnotnull then format('; alter table %%s alter column %%s set not null', inside, ident) else '' end,
       array[]::text[], inside, whole || "order", whole, 0
  from columns
 cross join lateral (
     select case when uses is not null or expression is null then ''
                 when attgenerated = '' then ' DEFAULT ' || expression
                 else ' GENERATED ALWAYS AS (' || expression || ') STORED' end as value) v
 cross join lateral (
     select line || value || case when attgenerated = 's' and uses is not null then '' else required end as whole) w
 where strange_order is not null and strange_type is null
union all
select case k.contype when 'c' then 'check' when 'f' then 'key' else 'exclusion' end,
       format('the %%s %%s of %%s', case k.contype when 'c' then 'check' when 'f' then 'foreign key' else 'rule' end, quote_ident(k.conname), m.name),
       'it uses ' || s.uses,
       format('alter table %%s add constraint %%I %%s', m.name, k.conname, pg_get_constraintdef(k.oid)),
       array[format('%%s public %%s %%s', case k.contype when 'f' then 'FK CONSTRAINT' when 'c' then 'CHECK CONSTRAINT' else 'CONSTRAINT' end,
                    m.relname, k.conname),
             format('COMMENT public CONSTRAINT %%I ON %%I', k.conname, m.relname)],
       case when k.contype = 'c' and k.convalidated then m.name else '' end,
       case when k.contype = 'c' and k.convalidated
            then format(E',\n    CONSTRAINT %%I %%s', k.conname, pg_get_constraintdef(k.oid)) else '' end, '', 0
  from mine m
  join pg_constraint k on k.conrelid = m.oid and k.conparentid = 0
  join lateral (select string_agg(s.uses, ', ') as uses from strange s
                 where (s.classid = 'pg_constraint'::regclass and s.objid = k.oid)
                    or (k.contype = 'x' and s.classid = 'pg_class'::regclass and s.objid = k.conindid)) s on s.uses is not null
 where k.contype in ('c', 'f', 'x')
union all
select 'index', format('the index %%s', i.indexrelid::regclass), 'it uses ' || s.uses, pg_get_indexdef(i.indexrelid),
       array['INDEX public ' || c.relname, format('COMMENT public INDEX %%I', c.relname)], '', '', '', 0
  from mine m
  join pg_index i on i.indrelid = m.oid
  join pg_class c on c.oid = i.indexrelid
  join strange s on s.classid = 'pg_class'::regclass and s.objid = i.indexrelid
 where not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid)
union all
select 'trigger', format('the trigger %%I on %%s', t.tgname, m.name), 'it calls ' || s.uses, pg_get_triggerdef(t.oid),
       array[format('TRIGGER public %%s %%s', m.relname, t.tgname), format('COMMENT public TRIGGER %%I ON %%I', t.tgname, m.relname)],
       '', '', '', t.tgfoid::bigint
  from mine m
  join pg_trigger t on t.tgrelid = m.oid and not t.tgisinternal
  join strange s on s.classid = 'pg_trigger'::regclass and s.objid = t.oid
union all
select 'rule', format('the rule %%I on %%s', r.rulename, m.name), 'rules can write to any table', pg_get_ruledef(r.oid),
       array[format('RULE public %%s %%s', m.relname, r.rulename), format('COMMENT public RULE %%I ON %%I', r.rulename, m.relname)],
       '', '', '', 0
  from mine m
  join pg_rewrite r on r.ev_class = m.oid
union all
select 'policy', format('the policy %%I on %%s', p.polname, m.name),
       case when s.uses is null then 'a policy that restricts it cannot be restored' else 'it uses ' || s.uses end, '',
       array[format('POLICY public %%s %%s', m.relname, p.polname), format('COMMENT public POLICY %%I ON %%I', p.polname, m.relname)],
       '', '', '', p.oid::bigint
  from mine m
  join pg_policy p on p.polrelid = m.oid
  left join strange s on s.classid = 'pg_policy'::regclass and s.objid = p.oid
 where s.uses is not null
    or exists (select from pg_policy r join strange x on x.classid = 'pg_policy'::regclass and x.objid = r.oid
                where r.polrelid = p.polrelid and not r.polpermissive)
union all
select 'publication', format('%%s in the publication %%I', m.name, b.pubname), 'publications are not in a backup',
       format('alter publication %%I add table %%s%%s%%s', b.pubname, m.name,
              (select ' (' || string_agg(quote_ident(a.attname), ', ' order by a.attnum) || ')' from pg_attribute a
                where a.attrelid = m.oid and a.attnum = any (r.prattrs)),
              ' where (' || pg_get_expr(r.prqual, r.prrelid) || ')'), array[]::text[], '', '', '', 0
  from mine m
  join pg_publication_rel r on r.prrelid = m.oid
  join pg_publication b on b.oid = r.prpubid
 order by 1, 2
