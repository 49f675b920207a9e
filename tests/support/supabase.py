"""A database like a new one on Supabase, with its three roles, which by default have all rights in schema public."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from core.foundation.addresses import libpq_url
from tests.support.servers import Server

ROLES = {"anon": "", "authenticated": "", "service_role": "bypassrls"}


@contextmanager
def supabase_database(server: Server) -> Iterator[str]:
    """Create the roles and a database that is not migrated, and give its name. Both are dropped at the end."""
    name, everybody = f"supabase_{uuid.uuid4().hex[:8]}", ", ".join(ROLES)
    with psycopg.connect(libpq_url(server.url("postgres")), autocommit=True) as administrator:
        for role, more in ROLES.items():
            administrator.execute(f"create role {role} {more}".encode())
        administrator.execute(f"create database {name}".encode())
    with psycopg.connect(libpq_url(server.url(name)), autocommit=True) as owner:
        owner.execute(f"grant usage on schema public to {everybody}".encode())
        for kind in ("tables", "functions", "sequences"):
            owner.execute(f"alter default privileges in schema public grant all on {kind} to {everybody}".encode())
    yield name
    with psycopg.connect(libpq_url(server.url("postgres")), autocommit=True) as administrator:
        administrator.execute(f"drop database {name} with (force)".encode())
        administrator.execute(f"drop role {everybody}".encode())
