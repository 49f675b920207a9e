"""Doors: functions, triggers, rules and views through which a role that is not named moves stock, and their closing.

The finder is `core/sql/60_proof/7_doors.sql`. Check R12 runs it in `stockroom_api`; `adopt --check`, which runs before
that schema exists, runs the same text in `pg_temp`. `rights` is about direct rights on the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from core.adoption.look import Database, Journal, ask
from core.adoption.report import Report, listed
from core.foundation.errors import SetupError

_FINDER = Path(__file__).parents[1].joinpath("sql", "60_proof", "7_doors.sql").read_text(encoding="utf-8")
_OURS = "stockroom_api."
_MOST_ROUNDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A function, trigger, rule or view, who can use it by which rights, and what it leads to.

    `relation` is what the rights are on, or None for a function that is called.
    """

    kind: str
    oid: int
    name: str
    relation: int | None
    on: str | None
    rights: list[str]
    who: list[str]
    through: str
    is_ours_to_change: bool


_OPEN = """
select d.kind, d.oid, d.name, d.relation, d.relation::regclass::text as on, d.rights, d.who, d.through,
       pg_has_role(d.owner, 'usage') as is_ours_to_change
  from {}.doors() d"""


def look_for_doors(database: Database, keep_open: Sequence[str], report: Report) -> list[str]:
    """Report every door of the shop as it is, and return the names of those to keep open."""
    found = _before(database)
    kept = sorted({door.name for door in found if any(_means(word, door) for word in keep_open)})
    for word in keep_open:
        if not any(_means(word, door) for door in found):
            names = listed(sorted({door.name for door in found})) or "none"
            report.obstacles.append(
                f"--keep-open {word}: nothing by this name moves stock. The open doors are: {names}."
            )
    for door in found:
        who = " and ".join(door.who)
        on = f" on {door.on}" if door.kind == "trigger" else ""
        report.found(f"{door.kind} {door.name}{on}", f"lets {who} move stock, by {door.through}", _then(door, kept))
        if not door.is_ours_to_change and door.name not in kept:
            report.obstacles.append(
                f"{door.name} lets {who} move stock, and belongs to an account that this one may not act as. "
                f"Adopt as its owner, or keep it with --keep-open {door.name.partition('(')[0]}."
            )
    return kept


def _before(database: Database) -> list[Door]:
    """Return the doors of a database in which our schema does not exist yet."""
    database.execute(_FINDER.replace(_OURS, "pg_temp.").encode())
    found = _doors(database, "pg_temp")
    for name in reversed(re.findall(rf"create function {re.escape(_OURS)}(\w+)", _FINDER)):
        database.execute(sql.SQL("drop function pg_temp.{}").format(sql.Identifier(name)))
    return found


def _doors(database: Database, schema: str) -> list[Door]:
    return [Door(**row._asdict()) for row in ask(database, sql.SQL(_OPEN).format(sql.Identifier(schema)))]


def _means(word: str, door: Door) -> bool:
    """Whether a name means this door: with or without its schema and the types of its arguments."""
    bare = door.name.partition("(")[0]
    return word in (door.name, bare, bare.partition(".")[2], door.name.partition(".")[2])


def _then(door: Door, kept: Sequence[str]) -> str:
    if door.name in kept:
        return "stays open, as you asked"
    keep = f"--keep-open {door.name.partition('(')[0]} keeps it"
    if door.relation is None:
        return f"only the named roles may execute it; {keep}"
    return f"only the named roles may {_listed_rights(door)} {door.on}; {keep}"


def _listed_rights(door: Door) -> str:
    return ", ".join(word.lower() for word in door.rights)


def close_doors(journal: Journal, kept: Sequence[str]) -> None:
    """Take from everybody beyond the named roles the rights that open a door, and remember the doors that are kept.

    Each round looks again. Raises SetupError if a door stays open all the same.
    """
    database = journal.database
    for name in kept:
        database.execute("insert into stockroom.kept_doors (name) values (%s)", [name])
    for _ in range(_MOST_ROUNDS):
        found = [door for door in _doors(database, "stockroom_api") if door.name not in kept]
        if not found:
            return
        for door in found:
            _close(journal, door)
    raise SetupError(f"{listed([door.name for door in found])} would still let others move stock. Nothing was changed.")


_GRANTED = """
select distinct x.privilege_type as what, x.is_grantable as further, x.column,
       case x.grantee when 0 then 'public' else x.grantee::regrole::text end as who,
       x.grantee not in (select n.role from stockroom_api.named_roles() n) as is_outside
  from (select e.*, null::text as column from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
         where p.oid = %(function)s and e.grantee <> p.proowner
        union all
        select e.*, null from pg_class c, aclexplode(c.relacl) e where c.oid = %(relation)s and e.grantee <> c.relowner
        union all
        select e.*, a.attname::text from pg_attribute a, aclexplode(a.attacl) e where a.attrelid = %(relation)s) x
 where x.privilege_type = any (%(rights)s)
 order by 1, 4"""


def _close(journal: Journal, door: Door) -> None:
    """Revoke the rights that open a door. The storefront's server keeps what it had as one of everybody."""
    database = journal.database
    named = sql.SQL("routine {}" if door.relation is None else "table {}").format(sql.SQL(door.on or door.name))
    values = {"function": door.oid if door.relation is None else None, "relation": door.relation, "rights": door.rights}
    with database.cursor() as cursor:
        rows = cursor.execute(_GRANTED, values).fetchall()
    rights = sql.SQL(", ").join(sql.SQL(right) for right in door.rights)
    for what, further, column, who, is_outside in rows:
        if is_outside:
            columns = sql.SQL(" ({})").format(sql.Identifier(column)) if column else sql.SQL("")
            option = sql.SQL(" with grant option" if further else "")
            journal.remember(
                sql.SQL("grant {}{} on {} to {}{}").format(sql.SQL(what), columns, named, sql.SQL(who), option)
            )
    for server in _servers(database, door):
        if all(who != server for _, _, _, who, _ in rows):
            grant = sql.SQL("grant {} on {} to {}").format(rights, named, sql.SQL(server))
            journal.do(grant, sql.SQL("revoke {} on {} from {}").format(rights, named, sql.SQL(server)))
    for who in sorted({row[3] for row in rows if row[4]}):
        database.execute(sql.SQL("revoke {} on {} from {} cascade").format(rights, named, sql.SQL(who)))


def _servers(database: Database, door: Door) -> list[str]:
    """Return the storefront's server role if it may use a door, so that it may use it afterwards too."""
    may = (
        "has_function_privilege(r.oid, %s, 'execute')"
        if door.relation is None
        else "has_table_privilege(r.oid, %s, %s)"
    )
    values = [door.oid] if door.relation is None else [door.relation, ", ".join(door.rights)]
    question = f"select r.rolname::text as name from pg_roles r where r.rolname = 'service_role' and {may}"  # noqa: S608 - constants
    return [row.name for row in ask(database, question, *values)]
