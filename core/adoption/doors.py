"""Doors: functions, triggers, rules and views through which a role that is not named moves stock, and their closing.

The finder is `core/sql/60_proof/7_doors.sql`. Check R12 runs it in `stockroom_api`; `adopt --check`, which runs before
that schema exists, runs the same text in `pg_temp`. At the end: the rights on the catalogue, before and after.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from core.adoption.look import OUTSIDE, Database, Journal, Table, ask, public
from core.adoption.report import Report, listed
from core.database.migrate import our_functions
from core.foundation.errors import SetupError

_FINDER = Path(__file__).parents[1].joinpath("sql", "60_proof", "7_doors.sql").read_text(encoding="utf-8")
_OURS = "stockroom_api."
_MOST_ROUNDS = 5
SERVER = "service_role"
"""The role of the storefront's server on Supabase."""
CATALOGUE = ("products", "product_variants")
"""The tables of the catalogue."""


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
    kept = _kept(found, keep_open, report)
    for door in found:
        who = _everyone(door.who)
        on = f" on {door.on}" if door.kind == "trigger" else ""
        report.found(f"{door.kind} {door.name}{on}", f"lets {who} move stock, by {door.through}", _then(door, kept))
        if not door.is_ours_to_change and door.name not in kept:
            report.obstacles.append(
                f"{door.name} lets {who} move stock, and belongs to an account that this one may not act as. "
                f"Adopt as its owner, or keep it with --keep-open {door.name.partition('(')[0]}."
            )
    return kept


def _kept(found: Sequence[Door], words: Sequence[str], report: Report) -> list[str]:
    """Return the names of the doors that these words mean. A word that means none is an obstacle."""
    for word in words:
        if not any(_means(word, door) for door in found):
            names = listed(sorted({door.name for door in found})) or "none"
            report.obstacles.append(
                f"--keep-open {word}: nothing by this name moves stock. The open doors are: {names}."
            )
    return sorted({door.name for door in found if any(_means(word, door) for word in words)})


def _before(database: Database) -> list[Door]:
    """Return the doors of a database in which our schema does not exist yet."""
    database.execute(_FINDER.replace(_OURS, "pg_temp.").encode())
    found = _doors(database, "pg_temp")
    for name in reversed(re.findall(rf"create function {re.escape(_OURS)}(\w+)", _FINDER)):
        database.execute(sql.SQL("drop function pg_temp.{}").format(sql.Identifier(name)))
    return found


def _doors(database: Database, schema: str) -> list[Door]:
    return [Door(**row._asdict()) for row in ask(database, sql.SQL(_OPEN).format(sql.Identifier(schema)))]


def _everyone(who: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(who[:-1]), who[-1]]))


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
    found: list[Door] = []
    for _ in range(_MOST_ROUNDS):
        found = [door for door in _doors(database, "stockroom_api") if door.name not in kept]
        if not found:
            return
        for door in found:
            _close(journal, door)
    raise SetupError(f"{listed([door.name for door in found])} would still let others move stock. Nothing was changed.")


def keep_doors(database: Database, words: Sequence[str]) -> str:
    """Record doors of a shop that has moved in, so that R12 accepts them, and return a sentence that says so."""
    found = _doors(database, "stockroom_api")
    report = Report()
    kept = _kept(found, words, report)
    if report.obstacles:
        raise SetupError("\n".join([*report.obstacles, "Nothing was changed."]))
    for name in kept:
        database.execute("insert into stockroom.kept_doors (name) values (%s) on conflict do nothing", [name])
    return f"R12 accepts from now on: {', '.join(kept)}."


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a role other than owners and superusers may do with an old table."""

    role: str
    table: str
    ours: str
    rights: list[str]
    passes_row_security: bool
    keeps_writing: bool

    @property
    def is_outside(self) -> bool:
        """Whether it is one of the public roles, which may at most read afterwards."""
        return self.role in OUTSIDE

    @property
    def kept(self) -> list[str]:
        """The rights that it keeps: to read, and to write the catalogue except for stock. Public roles keep none.

        With --keep-writing, `authenticated` keeps them within its policies.
        """
        if self.is_outside and not self.keeps_writing:
            return []
        may_read = self.ours != "stock_movements" or self.passes_row_security
        most = [*(["SELECT"] if may_read else []), *(["INSERT", "UPDATE"] if self.ours != "stock_movements" else [])]
        return [right for right in most if right in self.rights]

    @property
    def needs_policies(self) -> bool:
        """Whether row level security would make what it keeps useless without policies."""
        return bool(self.kept) and not self.passes_row_security


_RIGHTS = """
select coalesce(r.rolname, 'public') as role, c.relname as table,
       coalesce(r.rolbypassrls, false) as passes_row_security,
       %s and coalesce(r.rolname = 'authenticated', false) and c.relrowsecurity and c.relname <> 'stock_movements'
           as keeps_writing,
       array_agg(distinct a.privilege_type::text order by a.privilege_type::text) as rights
  from pg_class c
 cross join lateral aclexplode(c.relacl) a
  left join pg_roles r on r.oid = a.grantee
 where c.oid = any (%s) and a.grantee <> c.relowner and not coalesce(r.rolsuper, false)
 group by 1, 2, 3, 4 order by 1, 2"""
_CALLS = """
select coalesce(r.rolname, 'public') as role, p.proname as name
  from pg_proc p
 cross join lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
  left join pg_roles r on r.oid = a.grantee
 where p.pronamespace = 'public'::regnamespace and p.proname = any (%s) and a.grantee <> p.proowner
 group by 1, 2 order by 1, 2"""


def rights_before(database: Database, tables: Mapping[str, Table], keep_writing: bool) -> list[Rights]:
    """Return what each role may do with the old tables."""
    ours = {table.name: table.ours for table in tables.values()}
    rows = ask(database, _RIGHTS, keep_writing, [table.oid for table in tables.values()])
    return [Rights(ours=ours[row.table], **row._asdict()) for row in rows]


def report_rights(database: Database, before: Sequence[Rights], keep_reading: bool, report: Report) -> None:
    """Report for every role what it can do now and what it can do afterwards."""
    for each in before:
        catalogued = "SELECT" in each.rights and each.ours != "stock_movements" and each.is_outside
        if catalogued and keep_reading and not each.kept:
            then = "may read"
        elif not each.kept:
            then = "revoked" + ("; --keep-reading keeps reading" if catalogued else "")
        else:
            writes = "" if each.kept == ["SELECT"] else ", every column but those of stock"
            then = f"may {_verbs(each.kept)}{writes}"
        report.found(f"{each.role} on {each.table}", f"may {_verbs(each.rights)}", then)
    for row in ask(database, _CALLS, our_functions()):
        report.found(
            f"{row.role} on {row.name}()", "may execute", "may execute" if row.role == SERVER else "may not execute"
        )
    if not before:
        return
    (account,) = ask(database, "select current_user as name")
    report.found(account.name, "adopts", "may act as stockroom_owner, which owns the ledger")
    report.found("stockroom_app", "the dashboard", "may execute Stockroom's functions and read its views")


def _verbs(rights: Sequence[str]) -> str:
    order = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"]
    return ", ".join("read" if right == "SELECT" else right.lower() for right in sorted(rights, key=order.index))


def keep_rights(database: Database, before: Sequence[Rights]) -> None:
    """Let the storefront's server, and each role that could before, read and write the catalogue except for stock."""
    for each in before:
        if "SELECT" in each.kept:
            database.execute(sql.SQL("grant select on {} to {}").format(public(each.ours), sql.Identifier(each.role)))
    server = [row.rolname for row in ask(database, "select rolname from pg_roles where rolname = %s", SERVER)]
    for role in sorted({*server, *(each.role for each in before)}):
        inserts, updates = (
            list(CATALOGUE) if role == SERVER else [e.ours for e in before if e.role == role and right in e.kept]
            for right in ("INSERT", "UPDATE")
        )
        if inserts or updates:
            database.execute("insert into stockroom.catalogue_writers values (%s, %s, %s)", [role, inserts, updates])
    database.execute("select stockroom_api.open_catalogue()")
