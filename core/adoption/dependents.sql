-- Everything that depends on the tables, directly or indirectly, from PostgreSQL's own dependencies: a view through its rule, a
-- function through its row type.
with recursive affected (classid, objid, depth) as (
    select 'pg_class'::regclass::oid, t.oid, 0 from unnest(%s::oid[]) t (oid)
    union
    select x.classid, x.objid, a.depth + 1
      from affected a
      join pg_depend d on d.refclassid = a.classid and d.refobjid = a.objid and d.deptype in ('n', 'a', 'i')
      left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
     cross join lateral (select case when r.oid is null then d.classid else 'pg_class'::regclass::oid end,
                                coalesce(r.ev_class, d.objid)) x (classid, objid)
     where (x.classid, x.objid) <> (a.classid, a.objid)
       and x.classid in ('pg_class'::regclass, 'pg_proc'::regclass, 'pg_type'::regclass, 'pg_policy'::regclass)
       and not exists (select from pg_class i where x.classid = 'pg_class'::regclass and i.oid = x.objid and i.relkind in ('i', 'I', 'S', 't'))
), deepest as (
    select classid, objid, max(depth) as depth from affected where depth > 0 group by 1, 2
)
select case when c.relkind = 'v' then 'view' when c.oid is not null then 'relation' when f.oid is not null then 'function'
            else 'policy' end as kind,
       coalesce(c.oid, f.oid, p.oid) as oid,
       coalesce(c.oid::regclass::text, f.oid::regprocedure::text, quote_ident(p.polname) || ' on ' || p.polrelid::regclass) as name,
       c.relkind <> 'm' as has_rows,
       (select i.inhparent::regclass::text from pg_inherits i where i.inhrelid = c.oid limit 1) as part_of,
       (select min(a.attname) from pg_attribute a join pg_type t on t.oid = a.atttypid left join pg_type e on e.oid = t.typelem
          join pg_class y on y.oid = coalesce(nullif(e.typrelid, 0), t.typrelid) and y.relkind <> 'c'
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as typed
  from deepest d
  left join pg_class c on d.classid = 'pg_class'::regclass and c.oid = d.objid
  left join pg_proc f on d.classid = 'pg_proc'::regclass and f.oid = d.objid
  left join pg_policy p on d.classid = 'pg_policy'::regclass and p.oid = d.objid and p.polrelid <> all (%s::oid[])
 where c.oid is not null or f.oid is not null or p.oid is not null
 order by d.depth, d.objid
