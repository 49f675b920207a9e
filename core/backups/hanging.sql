-- What others have put on our tables, with the statements that drop it and create it again; and foreign keys from and to tables of
-- others. Parameters: owner, mine (our tables).
with relations as materialized (
    select c.oid, c.oid::regclass::text as name from pg_class c where c.oid = any (%(mine)s)
), told as (
    select d.objoid, d.classoid, d.description from pg_description d where d.objsubid = 0
)
select 1 as place, 'foreign key' as kind, format('the foreign key %%I of %%s', k.conname, k.conrelid::regclass) as what,
       format('alter table %%s drop constraint %%I', k.conrelid::regclass, k.conname) as drop,
       array_remove(array[format('alter table %%s add constraint %%I %%s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)),
                          case when t.description is not null
                               then format('comment on constraint %%I on %%s is %%L', k.conname, k.conrelid::regclass, t.description) end], null) as again,
       '' as entry, 0::bigint as id
  from pg_constraint k
  join pg_class c on c.oid = k.conrelid
  join pg_class f on f.oid = k.confrelid
  left join told t on t.classoid = 'pg_constraint'::regclass and t.objoid = k.oid
 where k.contype = 'f' and k.conparentid = 0
   and (k.confrelid = any (%(mine)s) and c.relowner <> %(owner)s::regrole or k.conrelid = any (%(mine)s) and f.relowner <> %(owner)s::regrole)
union all
select 2, 'trigger', format('the trigger %%I on %%s', g.tgname, r.name), format('drop trigger %%I on %%s', g.tgname, r.name),
       array_remove(array[pg_get_triggerdef(g.oid),
           case g.tgenabled when 'D' then format('alter table %%s disable trigger %%I', r.name, g.tgname)
                            when 'R' then format('alter table %%s enable replica trigger %%I', r.name, g.tgname)
                            when 'A' then format('alter table %%s enable always trigger %%I', r.name, g.tgname) end,
           case when t.description is not null then format('comment on trigger %%I on %%s is %%L', g.tgname, r.name, t.description) end], null),
       format('TRIGGER public %%s %%s', c.relname, g.tgname), 0
  from relations r
  join pg_class c on c.oid = r.oid
  join pg_trigger g on g.tgrelid = r.oid and not g.tgisinternal
  join pg_proc p on p.oid = g.tgfoid
  left join told t on t.classoid = 'pg_trigger'::regclass and t.objoid = g.oid
 where p.proowner <> %(owner)s::regrole
union all
select 3, 'rule', format('the rule %%I on %%s', w.rulename, r.name), format('drop rule %%I on %%s', w.rulename, r.name),
       array_remove(array[pg_get_ruledef(w.oid),
           case w.ev_enabled when 'D' then format('alter table %%s disable rule %%I', r.name, w.rulename)
                             when 'R' then format('alter table %%s enable replica rule %%I', r.name, w.rulename)
                             when 'A' then format('alter table %%s enable always rule %%I', r.name, w.rulename) end,
           case when t.description is not null then format('comment on rule %%I on %%s is %%L', w.rulename, r.name, t.description) end], null),
       '', 0
  from relations r
  join pg_rewrite w on w.ev_class = r.oid
  left join told t on t.classoid = 'pg_rewrite'::regclass and t.objoid = w.oid
union all
select 4, 'policy', format('the policy %%I on %%s', p.polname, r.name), '',
       array_remove(array[case when t.description is not null
                               then format('comment on policy %%I on %%s is %%L', p.polname, r.name, t.description) end], null), '', p.oid
  from relations r
  join pg_policy p on p.polrelid = r.oid
  left join told t on t.classoid = 'pg_policy'::regclass and t.objoid = p.oid
union all
select 5, 'rights', format('the rights of %%s on %%s of %%s', x.who, quote_ident(a.attname), r.name), null,
       array[format('grant %%s (%%I) on %%s to %%s%%s', x.what, a.attname, r.name, x.who, x.further)], '', 0
  from relations r
  join pg_attribute a on a.attrelid = r.oid and a.attacl is not null and not a.attisdropped
 cross join lateral (select g.privilege_type as what, case g.grantee when 0 then 'public' else g.grantee::regrole::text end as who,
                            case when g.is_grantable then ' with grant option' else '' end as further
                       from aclexplode(a.attacl) g) x
union all
select 6, 'publication', format('%%s in the publication %%I', r.name, b.pubname), null,
       array[format('alter publication %%I add table %%s%%s%%s', b.pubname, r.name,
           (select ' (' || string_agg(quote_ident(a.attname), ', ') || ')' from pg_attribute a
             where a.attrelid = r.oid and a.attnum = any (l.prattrs)),
           ' where (' || pg_get_expr(l.prqual, l.prrelid) || ')')],
       case when pg_has_role(b.pubowner, 'usage') then '' else b.pubname end, 0
  from relations r
  join pg_publication_rel l on l.prrelid = r.oid
  join pg_publication b on b.oid = l.prpubid
union all
select 7, 'statistics', format('the statistics %%I', s.stxname), null, array[pg_get_statisticsobjdef(s.oid)], '', 0
  from relations r
  join (select e.stxrelid, e.oid, e.stxname, e.stxowner from pg_statistic_ext e) s on s.stxrelid = r.oid and s.stxowner <> %(owner)s::regrole
 order by 1, 3
