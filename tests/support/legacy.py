"""Databases as older stock systems left them: with Supabase's roles, uuid ids, views, policies, triggers, odd names."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import namedtuple_row

from core.database.programs import client_program
from core.foundation.addresses import libpq_url
from tests.support.builders import Shop
from tests.support.servers import Server, administer, drop_database

SHOE = UUID("00000000-0000-4000-8000-000000000001")
NINE = UUID("00000000-0000-4000-8000-000000000009")
TEN = UUID("00000000-0000-4000-8000-000000000010")
ELEVEN = UUID("00000000-0000-4000-8000-000000000011")

ROLES = """
do $$
declare _role text;
begin
    foreach _role in array array['anon', 'authenticated', 'service_role', 'shop_admin'] loop
        if not exists (select from pg_roles where rolname = _role) then
            execute format('create role %I', _role);
        end if;
    end loop;
    alter role service_role bypassrls;
end $$;
"""

TABLES = """
create type public.movement_status as enum ('pending', 'completed', 'cancelled', 'failed');
create table public.products (
    id uuid primary key default gen_random_uuid(), name text not null, brand text, image_url text, price numeric(10, 2),
    slug text unique, category text default 'shoes' not null, created_at timestamptz default now(),
    updated_at timestamptz default now()
);
create table public.product_variants (
    id uuid primary key default gen_random_uuid(), product_id uuid references public.products on delete cascade,
    sku varchar(50) unique, size varchar(10), price double precision, stock_quantity bigint not null default 0,
    reserved_quantity int default 0,
    computed_available_stock bigint generated always as (stock_quantity - reserved_quantity) stored,
    is_active boolean default true, "Shelf Mark" text, created_at timestamptz default now(),
    updated_at timestamptz default now(), constraint shelf_mark_is_short check (length("Shelf Mark") < 10)
);
create index idx_variants_mark on public.product_variants ("Shelf Mark");
create table public.stock_movements (
    id uuid primary key default gen_random_uuid(), variant_id uuid, movement_type text not null, quantity int,
    quantity_before int, quantity_after int, reason text, reference_type text, reference_id text, performed_by text,
    notes text, status public.movement_status default 'completed', created_at timestamptz default now()
);
create table public.order_items (
    id uuid primary key default gen_random_uuid(),
    variant_id uuid references public.product_variants on delete set null,
    sku text references public.product_variants (sku), quantity int
);
"""

FUNCTIONS = """
create function public.update_variant_stock(variant_id uuid, quantity_change int) returns jsonb
language plpgsql security definer as $$
begin
    update public.product_variants v set stock_quantity = v.stock_quantity + quantity_change
     where v.id = update_variant_stock.variant_id;
    return jsonb_build_object('success', found, 'old', true);
end $$;
create function public.validate_order_stock(order_items jsonb) returns jsonb
language sql as $$ select '{"old": true}'::jsonb $$;
create function public.process_order_stock_changes(order_id uuid, order_items jsonb) returns jsonb
language sql as $$ select '{"old": true}'::jsonb $$;
create function public.touch() returns trigger language plpgsql as $$
begin
    new.updated_at = now();
    return new;
end $$;
create function public.log_change() returns trigger language plpgsql as $$
begin
    insert into public.stock_movements (variant_id, movement_type, quantity, quantity_before, quantity_after)
    values (new.id, 'adjustment', new.stock_quantity, 0, new.stock_quantity);
    return new;
end $$;
create trigger "touch it" before update on public.products for each row execute function public.touch();
create trigger log_stock after insert or update on public.product_variants
for each row execute function public.log_change();
alter table public.product_variants disable trigger log_stock;
"""

SUPABASE = """
grant usage on schema public to anon, authenticated, service_role;
grant all on all tables in schema public to anon, authenticated, service_role;
alter table public.products enable row level security;
alter table public.product_variants enable row level security;
create policy "Public read" on public.products for select to anon, authenticated using (category <> 'hidden');
create policy "Anyone may do anything" on public.product_variants for all using (true) with check (true);
create policy "Items of known variants" on public.order_items
    using (exists (select from public.product_variants v where v.id = variant_id));
create view public.product_list with (security_invoker = true) as
    select p.name, v.sku, v.stock_quantity from public.products p join public.product_variants v on v.product_id = p.id;
create view public."Low Stock" as select * from public.product_list where stock_quantity < 3;
create function public.all_products() returns setof public.products
language sql stable as 'select * from public.products';
create publication realtime for table public.product_variants;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
"""

SNEAKERS = """
create table public.sneakers (id uuid primary key default gen_random_uuid(), in_stock boolean not null default true);
insert into public.sneakers (in_stock) values (true), (false);
"""

CATALOGUE = f"""
insert into public.products (id, name, brand, price, slug)
values ('{SHOE}', 'Air Canvas', 'Canyon', 129.90, 'air-canvas');
insert into public.product_variants (id, product_id, sku, size, price, stock_quantity, "Shelf Mark") values
    ('{NINE}', '{SHOE}', 'AC-9', '9', 129.9, 5, 'A1'),
    ('{TEN}', '{SHOE}', 'AC-10', '10', 129.9, 8, 'A2'),
    ('{ELEVEN}', '{SHOE}', 'AC-11', '11', null, 0, null);
insert into public.order_items (variant_id, sku, quantity) values ('{NINE}', 'AC-9', 1), (null, null, 2);
alter table public.product_variants enable trigger log_stock;
"""


@dataclass(frozen=True, kw_only=True)
class Legacy:
    """A database of an older system, with connections as its owner."""

    server: Server
    name: str
    account: str = "postgres"

    @property
    def url(self) -> str:
        """Its URL for its owner."""
        return self.server.url(self.name, self.account)

    def run(self, statement: str, *values: Any) -> None:
        """Run statements."""
        with psycopg.connect(libpq_url(self.url)) as connection:
            connection.execute(statement.encode(), values or None)

    def rows(self, question: str, *values: Any) -> list[Any]:
        """Return the rows of a query."""
        with psycopg.connect(libpq_url(self.url), row_factory=namedtuple_row) as connection:
            return connection.execute(question.encode(), values or None).fetchall()

    def one(self, question: str, *values: Any) -> Any:
        """Return the first value of a query."""
        return self.rows(question, *values)[0][0]

    def move(
        self, variant_id: UUID | None, kind: str, before: int | None, after: int | None, at: str, **more: Any
    ) -> UUID:
        """Log a movement as the old system did, and return its id."""
        row_id = uuid.uuid4()
        quantity = None if before is None or after is None else after - before
        values = {"id": row_id, "variant_id": variant_id, "movement_type": kind, "quantity": quantity}
        values |= {"quantity_before": before, "quantity_after": after, "created_at": at} | more
        places = ", ".join(["%s"] * len(values))
        self.run(f"insert into public.stock_movements ({', '.join(values)}) values ({places})", *values.values())
        return row_id

    @contextmanager
    def shop(self) -> Iterator[Shop]:
        """Give the adopted shop, with connections as the dashboard's role."""
        opened = Shop.open(self.server.url(self.name, "stockroom_app"), self.server.url(self.name))
        try:
            yield opened
        finally:
            opened.close()


def template_for(_server: Server, _account: str) -> str:
    """Return the database that a new one of this account is copied from."""
    return "template1"


@contextmanager
def legacy_database(
    server: Server, *parts: str, account: str = "postgres", template: str | None = None
) -> Iterator[Legacy]:
    """Create a database from a copy and these scripts that belongs to `account`, and drop it at the end."""
    legacy = Legacy(server=server, name=f"legacy_{uuid.uuid4().hex[:10]}", account=account)
    administer(server, ROLES)
    template = template or template_for(server, account)
    administer(server, f"create database {legacy.name} template {template} owner {account} strategy file_copy")
    try:
        for part in parts:
            legacy.run(part)
        yield legacy
    finally:
        is_dropped_next = template == "template1" and account != "postgres"  # the account, which then may own nothing
        drop_database(server, legacy.name, at_once=is_dropped_next)


def snapshot(legacy: Legacy, *options: str) -> list[str]:
    """Return the whole database, schema and rows, as the sorted lines of pg_dump."""
    dump = [str(client_program("pg_dump")), "--inserts", f"--dbname={libpq_url(legacy.url)}", *options]
    done = subprocess.run(dump, capture_output=True, text=True, check=True)
    lines = (line.rstrip(",") for line in done.stdout.splitlines())
    return sorted(line for line in lines if line and not line.startswith(("--", "\\restrict", "\\unrestrict")))


def clean_history(legacy: Legacy) -> None:
    """Log a correct history: nine begins at zero, ten begins above zero, eleven has no history."""
    legacy.move(
        NINE, "purchase", 0, 10, "2025-03-01 09:00+00", reason="initial_purchase", performed_by="mia@shop.example"
    )
    legacy.move(NINE, "sale", 10, 9, "2025-03-02 10:00+00", reference_type="order", reference_id="o-1", quantity=1)
    legacy.move(NINE, "damage", 9, 7, "2025-03-03 10:00+00", notes="wet box", performed_by="mia@shop.example")
    legacy.move(NINE, "return", 7, 8, "2025-03-04 10:00+00", reference_id="o-1", reason="too small")
    legacy.move(NINE, "transfer_out", 8, 5, "2025-03-05 10:00+00")
    legacy.move(TEN, "sale", 12, 10, "2025-03-02 11:00+00", reference_id="o-2")
    legacy.move(TEN, "loss", 10, 9, "2025-03-06 11:00+00")
    legacy.move(TEN, "transfer_in", 9, 10, "2025-03-07 11:00+00")
    legacy.move(TEN, "count", 10, 8, "2025-03-08 11:00+00", quantity=8)
