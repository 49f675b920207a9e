"""A database as Supabase hands it out: its three roles, which by default may do everything in schema public."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tests.support.servers import Server

ROLES = {"anon": "", "authenticated": "", "service_role": "bypassrls"}


@contextmanager
def supabase_database(server: Server) -> Iterator[str]:
    """Make the roles and a database, not migrated yet, and give its name; at the end both are gone."""
    name, everybody = f"supabase_{uuid.uuid4().hex[:8]}", ", ".join(ROLES)
    with psycopg.connect(_libpq(server.url("postgres")), autocommit=True) as administrator:
        for role, more in ROLES.items():
            administrator.execute(f"create role {role} {more}".encode())
        administrator.execute(f"create database {name}".encode())
    with psycopg.connect(_libpq(server.url(name)), autocommit=True) as owner:
        owner.execute(f"grant usage on schema public to {everybody}".encode())
        for kind in ("tables", "functions", "sequences"):
            owner.execute(f"alter default privileges in schema public grant all on {kind} to {everybody}".encode())
    yield name
    with psycopg.connect(_libpq(server.url("postgres")), autocommit=True) as administrator:
        administrator.execute(f"drop database {name} with (force)".encode())
        administrator.execute(f"drop role {everybody}".encode())


def _libpq(url: str) -> str:
    return url.replace("+psycopg", "", 1)
