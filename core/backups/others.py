"""What others have on our tables and next to them: what a backup needs of it, what it leaves out, and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection

from core.adoption.around import ONLY_A_CLOCK
from core.adoption.dependents import policy
from core.adoption.look import ask_named
from core.backups.manifest import LeftOut
from core.database.engine import OWNER_ROLE

_ON_OURS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_TYPES = """
    select distinct case e.typtype when 'd' then 'DOMAIN ' else 'TYPE ' end || 'public ' || e.typname as entry
      from pg_depend d
      join pg_type t on d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid
      join pg_type e on e.oid = coalesce(nullif(t.typelem, 0), t.oid)
      left join pg_class r on r.oid = e.typrelid
      left join pg_attrdef f on d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
      left join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
      left join pg_policy p on d.classid = 'pg_policy'::regclass and p.oid = d.objid
      join pg_class c on c.relowner = %(owner)s::regrole and c.oid = case
               when d.classid = 'pg_class'::regclass then d.objid else coalesce(f.adrelid, k.conrelid, p.polrelid) end
     where e.typnamespace = 'public'::regnamespace and e.typowner <> %(owner)s::regrole
       and e.typtype in ('e', 'd', 'c', 'r', 'm') and coalesce(r.relkind, 'c') = 'c'
       and not exists (select from pg_depend x
                        where x.classid = 'pg_type'::regclass and x.objid in (e.oid, e.typbasetype) and x.deptype = 'e')
       and not exists (select from pg_constraint l
                         join pg_depend x on x.classid = 'pg_constraint'::regclass and x.objid = l.oid
                        where l.contypid = e.oid and x.refclassid = 'pg_proc'::regclass and x.refobjid >= 16384)
     order by 1"""
_CLOCKS = """
    select distinct 'FUNCTION public ' || p.proname || '()' as entry, p.oid, p.prosrc
      from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_proc p on p.oid = t.tgfoid
     where not t.tgisinternal and c.relowner = %(owner)s::regrole and p.proowner <> %(owner)s::regrole
       and p.pronamespace = 'public'::regnamespace
       and not exists (select from pg_depend x
                        where x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.deptype = 'e')"""
_NEXT_TO_OURS = """
    select c.oid::regclass::text as name from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
       and c.relowner <> %(owner)s::regrole
       and not exists (select from pg_depend x
                        where x.classid = 'pg_class'::regclass and x.objid = c.oid and x.deptype = 'e')
    union all
    select p.oid::regprocedure::text from pg_proc p
     where p.pronamespace = 'public'::regnamespace and p.proowner <> %(owner)s::regrole and p.oid <> all (%(needed)s)
       and not exists (select from pg_depend x
                        where x.classid = 'pg_proc'::regclass and x.objid = p.oid and x.deptype = 'e')
     order by 1"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What is not ours: what our tables need, what is left out of our tables, and what is left out next to them."""

    needs: list[str]
    left_out: list[LeftOut]
    next_to_ours: list[str]


def others(connection: Connection[Any]) -> Others:
    """Return what is not ours in this database. Names in it have their schema."""
    connection.execute("set local search_path = pg_catalog")
    owner = {"owner": OWNER_ROLE}
    clocks = {row.oid: row.entry for row in ask_named(connection, _CLOCKS, owner) if ONLY_A_CLOCK.fullmatch(row.prosrc)}
    rows = [row for row in ask_named(connection, _ON_OURS, owner) if row.kind != "trigger" or row.id not in clocks]
    rows.sort(key=lambda row: row.kind != "type")  # a default is of the type of its column
    left_out = [_left_out(connection, row) for row in rows]
    next_to_ours = ask_named(connection, _NEXT_TO_OURS, owner | {"needed": list(clocks)})
    types = [row.entry for row in ask_named(connection, _TYPES, owner)]
    return Others(
        needs=[*types, *sorted(clocks.values())], left_out=left_out, next_to_ours=[row.name for row in next_to_ours]
    )


def _left_out(connection: Connection[Any], row: Any) -> LeftOut:
    values = row._asdict()
    oid = values.pop("id")
    if row.kind == "policy":
        values["statement"] = policy(connection, oid)[0].as_string(connection)
    return LeftOut(**values)
