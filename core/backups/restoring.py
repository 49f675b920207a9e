"""Restoring an archive: into a scratch database to verify it, into an empty one, or in place of a shop.

All three restore the same entries of the archive and decide the same way whether this server has the roles of the real
one, so a backup that is verified can be restored.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from core.backups import archive, contents
from core.backups.archive import Cut, Script, tools_for
from core.backups.hanging import Hanging
from core.backups.manifest import Contents, LeftOut, Manifest
from core.database import hosts
from core.database.engine import APP_ROLE, OWNER_ROLE, create_engine, run
from core.database.migrate import migrate
from core.database.scratch import scratch_database
from core.foundation.errors import BackupFailed
from core.foundation.model import COMMAND_LINE
from core.proof.checks import run_checks

PROOFS = ("R1", "R2")


def try_out(owner_url: str, path: Path, manifest: Manifest) -> None:
    """Restore a backup into a scratch database and check it there. Raises BackupFailed."""
    with scratch_database(owner_url) as scratch:
        replay(scratch, path, manifest)
        check(scratch, manifest)


def replay(url: str, path: Path, manifest: Manifest, place: Hanging | None = None) -> None:
    """Restore an archive in one transaction; with `place`, in place of a shop. Raises BackupFailed."""
    held = manifest.contents
    with hosts.connect(url) as connection:
        major = server_major(connection)
        if manifest.server_major > major:
            raise BackupFailed(
                f"{path.name} was created on PostgreSQL {manifest.server_major}, but this server is {major}. Restore "
                f"it on {manifest.server_major} or newer."
            )
        hosted = bool(held.roles) and not _missing(connection, held)
        here = {row[0] for row in connection.execute(_HERE, [held.needs])}
    tools = tools_for(major)
    needs = [entry for entry in held.needs if entry not in here]
    omitted = set(held.beyond) | {entry for each in held.left_out if _is_omitted(each, place) for entry in each.entries}
    cuts = tuple(
        Cut(inside=each.inside, found=each.cut, instead=each.instead)
        for each in sorted(held.left_out, key=lambda each: each.kind)  # a default before the type of its column
        if each.cut and (each.kind == "default" or not _is_kept(each, place))
    )

    def without(entry: str) -> bool:
        # A manifest of an earlier release does not say which policies name what the backup leaves out.
        unknown = not held.lists_others and entry.startswith(("POLICY ", "COMMENT public POLICY "))
        return unknown or entry in omitted or (place is not None and place.omits(entry))

    entries = archive.wanted(archive.contents(tools, path), needs=needs, without=without, hosted=hosted)
    after = [contents.held(held), "" if hosted else _CLOSE, *map(_given_back, needs)]
    script = Script(
        before=f"{place.before()}\n{CLEAR}" if place else "",
        after="\n".join([*after, place.after(held) if place else ""]),
        cuts=cuts,
    )
    archive.replay(tools, url, path, entries, script)


def _is_kept(left_out: LeftOut, place: Hanging | None) -> bool:
    """Return whether this database has what an empty one lacks, because its own tables use it now."""
    return place is not None and left_out.what in place.used


def _is_omitted(left_out: LeftOut, place: Hanging | None) -> bool:
    """Return whether its entries are omitted: checks and indexes are kept, the rest is put up again by `place`."""
    return left_out.kind in ("trigger", "rule", "policy", "key") or not _is_kept(left_out, place)


def _given_back(entry: str) -> str:
    """Return a script that makes the account that restores the owner of a type or function of others, where it may."""
    kind, _, name = entry.split(" ", 2)
    named = sql.Identifier("public", name.removesuffix("()") if kind == "FUNCTION" else name)
    what = sql.SQL("function {}()" if kind == "FUNCTION" else "type {}").format(named).as_string(None)
    block = f"begin alter {what} owner to session_user; exception when insufficient_privilege then null; end"
    return f"reset role; do {sql.Literal(block).as_string(None)}; set local role {OWNER_ROLE};"


def missing_roles(url: str, manifest: Manifest) -> list[str]:
    """Return the roles that have rights in a backup and that this server lacks. Without them no rights are restored."""
    with hosts.connect(url) as connection:
        return _missing(connection, manifest.contents)


def _missing(connection: Connection[Any], held: Contents) -> list[str]:
    here = {row[0] for row in connection.execute("select rolname::text from pg_roles")}
    return sorted(set(held.roles) - here - {OWNER_ROLE, APP_ROLE})


_HERE = """
    select e.name from unnest(%s::text[]) e (name)
     where exists (select from pg_type t where t.typnamespace = 'public'::regnamespace
                      and e.name in ('TYPE public ' || t.typname, 'DOMAIN public ' || t.typname))
        or exists (select from pg_proc p where p.pronamespace = 'public'::regnamespace and p.pronargs = 0
                      and e.name = 'FUNCTION public ' || p.proname || '()')"""
_CLOSE = """
    do $$
    declare
        _function regprocedure;
        _role text;
    begin
        for _function in select p.oid from pg_proc p
                          where p.pronamespace = 'public'::regnamespace and p.proowner = 'stockroom_owner'::regrole loop
            execute format('revoke all on function %s from public', _function);
            for _role in select rolname from pg_roles where rolname in ('stockroom_app', 'service_role') loop
                execute format('grant execute on function %s to %I', _function, _role);
            end loop;
        end loop;
    end $$;"""
CLEAR = """
    drop schema if exists stockroom_api, procrastinate, stockroom cascade;
    drop table if exists public.stock_movements, public.product_variants, public.products;
    do $$
    declare
        _function regprocedure;
    begin
        for _function in select p.oid from pg_proc p
                          where p.pronamespace = 'public'::regnamespace and p.proowner = 'stockroom_owner'::regrole loop
            execute format('drop function %s', _function);
        end loop;
    end $$;"""


# ---------------------------------------------------------------- checking


def check(url: str, manifest: Manifest) -> None:
    """Compare a restored database with the manifest, bring it up to this release and run the checks.

    Raises BackupFailed.
    """
    _compare(url, manifest)
    _bring_up(url)
    _check(url)


def _compare(url: str, manifest: Manifest) -> None:
    """Raise BackupFailed unless the restored database has the contents of the manifest."""
    with contents.snapshot(url) as (connection, _):
        found = contents.contents(connection)
    expected = manifest.contents
    for table in sorted(expected.tables | found.tables):
        if expected.tables.get(table) != found.tables.get(table):
            raise BackupFailed(
                f"{manifest.file} restores {found.tables.get(table, 0):,} rows of {table}, but its manifest has "
                f"{expected.tables.get(table, 0):,}."
            )
    if expected.head_hash != found.head_hash:
        raise BackupFailed(f"{manifest.file} restores another ledger than it should: the head hash differs.")


def _bring_up(url: str) -> None:
    """Rebuild functions and grants of this release, and migrate if the backup is of an older one."""
    with contents.as_owner(url) as connection:
        connection.execute("delete from stockroom.sql_text")
    migrate(url)


def _check(url: str) -> None:
    engine = create_engine(url, pool_size=1)
    try:
        results = run(engine, run_checks, COMMAND_LINE, codes=PROOFS)
    finally:
        engine.dispose()
    for result in results:
        if not result.holds:
            raise BackupFailed(f"The restored database fails {result.code}: {result.examples[0]}.")


def server_major(connection: Connection[Any]) -> int:
    """Return the major version of a server."""
    return int(contents.one(connection, "show server_version_num")) // 10_000
