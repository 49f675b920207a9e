"""What others hang on a shop's tables after it moved in: of every kind that PostgreSQL knows and shops have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from core.foundation.addresses import libpq_url
from tests.support.backing_up import empty_database
from tests.support.legacy import Legacy, snapshot

HUNG = """
create table public.changes (id bigint generated always as identity primary key, what text);
create function private.new_code() returns text language sql as $$ select 'c-' || left(gen_random_uuid()::text, 4) $$;
create function public.plain(_name text) returns text language sql immutable as $$ select lower(_name) $$;
create type private.kind as enum ('running', 'street');
create type public.season as enum ('summer', 'winter');
create collation private.by_bytes (provider = libc, locale = 'C');
create domain public.short_word as text check (length(public.plain(value)) < 20);
create function public.note_change() returns trigger language plpgsql security definer as $$
begin
    insert into public.changes (what) values (tg_table_name);
    return null;
end $$;
alter table public.products
    add column code text not null default private.new_code(), add column kind private.kind default 'street',
    add column season public.season default 'winter', add column word public.short_word default 'none',
    add column nickname text collate private.by_bytes not null default 'none',
    add column plain_name text generated always as (public.plain(name)) stored,
    add column created_by uuid default auth.uid() references public.users,
    add constraint code_is_short check (length(public.plain(code)) < 20);
comment on column public.products.code is 'Printed on the box';
create index products_plain on public.products (public.plain(brand));
create statistics public.products_brand on brand, category from public.products;
create trigger products_note after update on public.products for each row execute function public.note_change();
comment on trigger products_note on public.products is 'For the newsletter';
alter table public.products disable trigger products_note;
create trigger variants_note after update on public.product_variants for each row execute function public.note_change();
create rule note_gone as on delete to public.products do also insert into public.changes (what) values ('gone');
comment on policy "Staff see every product" on public.products is 'Staff only';
grant select (name, price) on public.products to shop_admin;
grant update (description) on public.products to shop_admin with grant option;
create view public.window_list as select p.id, p.name, p.code from public.products p;
create function public.write_window() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger window_write instead of update on public.window_list for each row execute function public.write_window();
comment on column public.window_list.name is 'As the customer reads it';
comment on function public.variants_of(uuid) is 'For the product page';
alter view public.window_list alter column name set default 'Unnamed';
create function public.products_on_sale() returns bigint language sql
    begin atomic select count(*) from public.products where status = 'active'; end;
create view public.numbers as select public.products_on_sale() as on_sale;
grant select on public.window_list to anon;
grant select (name) on public.window_list to shop_admin;
create view public.window_names as select name from public.window_list;
create policy "Items of variants on sale" on public.order_items for select to authenticated
    using (exists (select from public.product_variants v where v.id = variant_id and v.is_active));
comment on policy "Items of variants on sale" on public.order_items is 'Own orders only';
create publication some_columns for table public.products (id, name) where (id is not null) with (publish = 'insert');
"""
"""Objects of others on our tables, created by the account that migrates."""

LEFT_BY_US = ("INSERT INTO stockroom.backups", "SELECT pg_catalog.setval('stockroom.")


@contextmanager
def empty_for(shop: Legacy) -> Iterator[str]:
    """An empty database of the same server, which belongs to the shop's account."""
    empty = empty_database(shop.server)
    with empty as url:
        with psycopg.connect(libpq_url(url), autocommit=True) as administrator:
            administrator.execute(f"alter database {empty.name} owner to {shop.account}".encode())
        yield shop.server.url(empty.name, shop.account)


def everything(shop: Legacy) -> list[str]:
    """The whole database as lines, without the record of backups."""
    return [line for line in snapshot(shop) if not line.startswith(LEFT_BY_US)]


def read_as(url: str, role: str, question: str) -> list[tuple[object, ...]]:
    """What a role of the storefront reads."""
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(f"set role {role}".encode())
        return connection.execute(question.encode()).fetchall()
