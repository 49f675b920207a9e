"""What others have hung on our tables: taken down before a backup replaces them, put up again in that transaction.

The tables are as the backup has them; what hangs on them is as it was just before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

from psycopg import Connection, sql

from core.adoption.dependents import AFFECTED, Dependent, function, grants, plain_view, policy, policy_elsewhere
from core.adoption.look import ask, ask_named, public
from core.adoption.report import Report, listed
from core.backups.manifest import Contents
from core.backups.others import others
from core.database import hosts
from core.database.engine import OWNER_ROLE
from core.database.migrate import OUR_TABLES
from core.foundation.errors import BackupFailed

_HANGING = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")
_TABLES = """
    select c.oid, c.relname, c.relowner = (select r.oid from pg_roles r where r.rolname = %(owner)s) as is_ours
      from pg_class c
     where c.relnamespace = 'public'::regnamespace and c.relname = any (%(names)s) order by c.relname"""
_OWNERS = """
    select c.oid from pg_class c where c.relowner = %(owner)s::regrole
    union all
    select p.oid from pg_proc p where p.proowner = %(owner)s::regrole
    union all
    select p.oid from pg_policy p join pg_class c on c.oid = p.polrelid where c.relowner = %(owner)s::regrole"""
_DEEPER = """
    with ours (classid, oid) as (
        select 'pg_class'::regclass, c.oid from pg_class c
         where c.relowner = %(owner)s::regrole and c.relkind <> 'i' and c.oid <> all (%(mine)s)
        union all
        select 'pg_proc'::regclass, p.oid from pg_proc p where p.proowner = %(owner)s::regrole
        union all
        select 'pg_type'::regclass, t.oid from pg_type t
         where t.typowner = %(owner)s::regrole and t.typrelid <> all (%(mine)s)
           and not exists (select from pg_type e where e.oid = t.typelem and e.typrelid = any (%(mine)s))
    )
    select distinct pg_describe_object(d.classid, d.objid, 0) as user,
           pg_describe_object(d.refclassid, d.refobjid, 0) as used
      from pg_depend d
      join ours o on o.classid = d.refclassid and o.oid = d.refobjid
      left join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
      left join pg_attrdef f on d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
      left join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
      left join pg_trigger g on d.classid = 'pg_trigger'::regclass and g.oid = d.objid
      left join pg_policy p on d.classid = 'pg_policy'::regclass and p.oid = d.objid
      left join pg_proc x on d.classid = 'pg_proc'::regclass and x.oid = d.objid
      left join pg_class c on c.oid = case when d.classid = 'pg_class'::regclass then d.objid
               else coalesce(r.ev_class, f.adrelid, nullif(k.conrelid, 0), g.tgrelid, p.polrelid) end
     where d.deptype in ('n', 'a') and coalesce(c.relowner, x.proowner) <> %(owner)s::regrole
     order by 1, 2"""
_CLOSED = """
    select distinct quote_ident(n.nspname) as name
      from pg_depend d
      left join pg_attrdef f on d.classid = 'pg_attrdef'::regclass and f.oid = d.objid
      left join pg_attribute a on a.attrelid = f.adrelid and a.attnum = f.adnum
      left join pg_constraint k on d.classid = 'pg_constraint'::regclass and k.oid = d.objid
      left join pg_index i on d.classid = 'pg_class'::regclass and i.indexrelid = d.objid
      left join pg_proc p on d.refclassid = 'pg_proc'::regclass and p.oid = d.refobjid
      left join pg_type t on d.refclassid = 'pg_type'::regclass and t.oid = d.refobjid
      left join pg_opclass o on d.refclassid = 'pg_opclass'::regclass and o.oid = d.refobjid
      left join pg_collation l on d.refclassid = 'pg_collation'::regclass and l.oid = d.refobjid
      join pg_namespace n on n.oid = coalesce(p.pronamespace, t.typnamespace, o.opcnamespace, l.collnamespace)
     where d.refobjid >= 16384 and (f.oid is null or a.attgenerated <> '')
       and coalesce(f.adrelid, k.conrelid, i.indrelid, case when d.classid = 'pg_class'::regclass then d.objid end)
           = any (%(mine)s)
       and not has_schema_privilege(%(owner)s, n.oid, 'usage')"""
_STEP: LiteralString = """
    create function pg_temp.step(_what text, _statement text, _fails text) returns void language plpgsql as $$
    declare
        _detail text;
    begin
        execute _statement;
    exception when others then
        get stacked diagnostics _detail = pg_exception_detail;
        raise exception '% %: %', _what, _fails,
            translate(concat_ws(' ', sqlerrm || '.', nullif(_detail, '')), E'\\n', ' ');
    end $$;"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that hangs on our tables: the statement that drops it, if any, and those that create it again."""

    what: str
    drop: str | None
    again: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging:
    """Everything that hangs on our tables, in the order of creation. `triggers`: their entries in an archive.

    `used`: what on our tables uses something of others, such as defaults. `closed`: schemas of others with types or
    functions that our tables use, and that our owner's role may not enter.
    """

    steps: tuple[Step, ...]
    triggers: frozenset[str]
    used: frozenset[str]
    closed: tuple[str, ...]

    def omits(self, entry: str) -> bool:
        """Return whether an entry of an archive must not be restored, because the one that is here now is kept."""
        if entry.startswith(("POLICY public ", "RULE public ", "ACL public TABLE ", "ACL public COLUMN ")):
            return True
        return entry.startswith(("COMMENT public POLICY ", "COMMENT public RULE ")) or entry in self.triggers

    def before(self) -> str:
        """Return the script that takes everything down, and opens the closed schemas."""
        lines = ["set local search_path = pg_catalog;", _STEP]
        lines += [f"grant usage on schema {name} to {OWNER_ROLE};" for name in self.closed]
        for step in reversed(self.steps):
            if step.drop:
                lines.append(_run(step.what, step.drop, "cannot be taken down"))
        return "\n".join(lines)

    def after(self, contents: Contents) -> str:
        """Return the script that puts everything up again, with the defaults that `contents` leaves out."""
        lines = ["reset role;"]
        defaults = [each for each in contents.left_out if each.kind == "default" and each.what in self.used]
        lines += [_run(each.what, each.statement, "cannot be put up again") for each in defaults]
        for step in self.steps:
            lines += [_run(step.what, statement, "cannot be put up again") for statement in step.again]
        lines += [f"revoke usage on schema {name} from {OWNER_ROLE};" for name in self.closed]
        return "\n".join(lines)


def _run(what: str, statement: str, fails: str) -> str:
    query = sql.SQL("select pg_temp.step({}, {}, {});")
    return query.format(sql.Literal(what), sql.Literal(statement), sql.Literal(fails)).as_string(None)


def hanging(owner_url: str) -> Hanging:
    """Return what hangs on our tables. Raises BackupFailed, naming everything that could not be put up again."""
    with hosts.connect(owner_url) as connection:
        connection.execute("set local search_path = pg_catalog")
        tables = _named(connection, _TABLES, {"names": list(OUR_TABLES)})
        if foreign := [f"public.{table.relname}" for table in tables if not table.is_ours]:
            raise BackupFailed(
                f"{listed(foreign)} here do not belong to Stockroom, so a restore would destroy what others "
                "own. Restore into an empty database. Nothing was changed."
            )
        if not tables:
            return Hanging(steps=(), triggers=frozenset(), used=frozenset(), closed=())
        mine = [table.oid for table in tables]
        obstacles: list[str] = [f"{row.user} uses {row.used}" for row in _named(connection, _DEEPER, {"mine": mine})]
        dependents = _dependents(connection, mine, obstacles)
        rows = _named(connection, _HANGING, {"mine": mine})
        obstacles += [
            f"{row.what} belongs to another account" for row in rows if row.kind == "publication" and row.entry
        ]
        if obstacles:
            raise BackupFailed(
                f"This cannot be put up again after a restore: {'; '.join(obstacles)}. Copy the rows if "
                "it is a table, drop it, restore, and create it again. Nothing was changed."
            )
        rights = [right.as_string(connection) for table in tables
                  for right in grants(connection, "table", public(table.relname), table.oid)]  # fmt: skip
        return Hanging(
            steps=(*dependents, *_on_ours(connection, rows), Step(what="a right", drop=None, again=tuple(rights))),
            triggers=frozenset(_entries(row.entry for row in rows if row.kind == "trigger")),
            used=frozenset(each.what for each in others(connection).left_out),
            closed=tuple(row.name for row in _named(connection, _CLOSED, {"mine": mine})),
        )


_READ = {"view": plain_view, "function": function, "policy": policy_elsewhere}


def _dependents(connection: Connection[Any], mine: list[int], obstacles: list[str]) -> list[Step]:
    """Return the views, functions and policies elsewhere, in order of dependency."""
    ours = {row.oid for row in _named(connection, _OWNERS, {})}
    rows = [row for row in ask(connection, AFFECTED, mine, mine) if row.oid not in ours]
    steps = []
    for row in rows:
        if row.kind == "relation" or (row.kind == "function" and _is_odd(connection, row.oid)):
            obstacles.append(f"{row.name}, which is neither a plain view nor a plain function")
        else:
            steps.append(_step(connection, _READ[row.kind](connection, row, Report())))
    return steps


def _is_odd(connection: Connection[Any], oid: int) -> bool:
    return bool(ask(connection, "select from pg_proc where oid = %s and prokind not in ('f', 'p')", oid))


def _step(connection: Connection[Any], found: Dependent) -> Step:
    again = tuple(statement.as_string(connection) for statement in found.back)
    return Step(what=found.what, drop=found.drop.as_string(connection), again=again)


def _on_ours(connection: Connection[Any], rows: list[Any]) -> list[Step]:
    """Return what is on our tables themselves."""
    steps = []
    for row in rows:
        drop, again = row.drop, tuple(row.again)
        if row.kind == "policy":
            make, gone = (each.as_string(connection) for each in policy(connection, row.id))
            drop, again = gone, (make, *again)
        steps.append(Step(what=row.what, drop=drop, again=again))
    return steps


def _entries(triggers: Iterable[str]) -> Iterable[str]:
    for entry in triggers:
        _, _, table, name = entry.split(" ", 3)
        yield entry
        yield f"COMMENT public TRIGGER {name} ON {table}"


def _named(connection: Connection[Any], query: str, values: dict[str, Any]) -> list[Any]:
    return ask_named(connection, query, values | {"owner": OWNER_ROLE})
