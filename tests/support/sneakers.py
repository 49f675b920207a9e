"""A sneaker shop on Supabase as real ones are: Next.js in front, tables and helpers of several authors, none of them us.

Its tables refer to ours and to each other; views, policies, triggers and SECURITY DEFINER helpers of others hang on
them; there are extra columns, defaults, CHECKs, comments, and units that cannot be sold. The account that migrates is
not a superuser, as Supabase's `postgres` is not.
"""

# ruff: noqa: E501 - the scripts are SQL
from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache

import psycopg

from core.adoption import adopt as adoption
from core.foundation.addresses import libpq_url
from tests.support import legacy
from tests.support.legacy import ROLES, Legacy, legacy_database
from tests.support.servers import Server, administer

LANDLORD = "landlord"
"""The account that migrates: it may create roles and databases, and is not a superuser."""

PEOPLE = """
create schema auth;
create schema private;
create table auth.users (id uuid primary key default gen_random_uuid(), email text unique);
create function auth.uid() returns uuid language sql stable as
    $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
create table public.users (
    id uuid primary key references auth.users on delete cascade, full_name text not null, role text not null default 'customer'
        check (role in ('customer', 'staff', 'admin')), created_at timestamptz not null default now()
);
insert into auth.users (id, email) values
    ('00000000-0000-4000-8000-0000000000a1', 'mia@canyon.example'), ('00000000-0000-4000-8000-0000000000a2', 'kim@mail.example');
insert into public.users (id, full_name, role) values
    ('00000000-0000-4000-8000-0000000000a1', 'Mia Keller', 'admin'), ('00000000-0000-4000-8000-0000000000a2', 'Kim Buyer', 'customer');
grant usage on schema auth to anon, authenticated, service_role;
"""

CATALOGUE = """
create type public.movement_status as enum ('pending', 'completed', 'cancelled');
create function public.touch_updated_at() returns trigger language plpgsql as
    $$ begin new.updated_at = now(); return new; end $$;
comment on function public.touch_updated_at() is 'Sets updated_at';
create table public.products (
    id uuid primary key default gen_random_uuid(), name text not null, brand text not null default 'Canyon',
    slug text not null unique default 'p-' || left(gen_random_uuid()::text, 8),
    status text not null default 'draft' check (status in ('draft', 'active', 'archived')), description text,
    category text not null default 'sneakers', price numeric(10, 2) not null check (price >= 0), sale_price numeric(10, 2),
    image_url text, tags text[] not null default '{}', search tsvector generated always as (to_tsvector('simple', name)) stored,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now()
);
comment on table public.products is 'What the shop sells';
comment on column public.products.slug is 'Address of the product page';
create table public.product_variants (
    id uuid primary key default gen_random_uuid(), product_id uuid not null references public.products on delete cascade,
    sku text not null unique, size text not null, color text, price_adjustment numeric(10, 2) not null default 0,
    stock_quantity integer not null default 0 check (stock_quantity >= 0), reserved_quantity integer not null default 0,
    damage_quantity integer not null default 0 check (damage_quantity >= 0), low_stock_threshold integer not null default 3,
    is_active boolean not null default true, weight_grams integer, created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(), unique (product_id, size, color)
);
comment on column public.product_variants.damage_quantity is 'On the shelf, but not for sale';
create trigger products_touch before update on public.products for each row execute function public.touch_updated_at();
create trigger variants_touch before update on public.product_variants for each row execute function public.touch_updated_at();
create table public.stock_levels (
    id uuid primary key default gen_random_uuid(), variant_id uuid not null references public.product_variants on delete cascade,
    warehouse text not null default 'main', quantity_on_hand integer not null default 0, unique (variant_id, warehouse)
);
create table public.stock_movements (
    id uuid primary key default gen_random_uuid(), product_id uuid references public.products, variant_id uuid references
        public.product_variants, stock_level_id uuid references public.stock_levels, movement_type text not null,
    quantity integer not null, quantity_before integer, quantity_after integer, reason text, reference_type text,
    reference_number text, status public.movement_status not null default 'completed', notes text,
    performed_by uuid references public.users, movement_date timestamptz not null default now(), unit_cost numeric(10, 2),
    created_at timestamptz not null default now()
);
comment on table public.stock_movements is 'Every change of stock';
create index stock_movements_by_number on public.stock_movements (reference_number);
create table public.stock_reservations (
    id uuid primary key default gen_random_uuid(), variant_id uuid not null references public.product_variants on delete cascade,
    cart_id text not null, quantity integer not null check (quantity > 0), expires_at timestamptz not null
);
create table public.sneakers (
    id uuid primary key default gen_random_uuid(), name text not null, price numeric not null, available_stock integer not null
        default 0, in_stock boolean not null default true
);
"""

SELLING = """
create table public.orders (
    id uuid primary key default gen_random_uuid(), order_number text not null unique, user_id uuid references public.users,
    status text not null default 'pending', total numeric(10, 2) not null, payment_intent_id text unique,
    created_at timestamptz not null default now()
);
create table public.order_items (
    id uuid primary key default gen_random_uuid(), order_id uuid not null references public.orders on delete cascade,
    product_id uuid references public.products, variant_id uuid references public.product_variants on delete set null,
    quantity integer not null check (quantity > 0), unit_price numeric(10, 2) not null
);
create table public.cart_items (
    id uuid primary key default gen_random_uuid(), cart_id text not null,
    variant_id uuid not null references public.product_variants on delete cascade, quantity integer not null default 1,
    unique (cart_id, variant_id)
);
create table public.product_images (
    id uuid primary key default gen_random_uuid(), product_id uuid not null references public.products on delete cascade, url text
);
create view public.catalogue with (security_invoker = true) as
    select p.id, p.name, p.slug, v.id as variant_id, v.sku, v.size, p.price + v.price_adjustment as price, v.stock_quantity
      from public.products p join public.product_variants v on v.product_id = p.id where p.status = 'active';
comment on view public.catalogue is 'What the shop window shows';
create view public.bestsellers as
    select p.name, sum(i.quantity) as sold from public.order_items i join public.products p on p.id = i.product_id group by 1;
alter table public.products enable row level security;
alter table public.product_variants enable row level security;
alter table public.stock_movements enable row level security;
alter table public.orders enable row level security;
grant usage on schema public to anon, authenticated, service_role;
grant all on all tables in schema public to anon, authenticated, service_role;
create policy "Active products are for everybody" on public.products for select using (status = 'active');
create policy "Staff see every product" on public.products for select to authenticated using (exists (
    select from public.users u where u.id = auth.uid() and u.role in ('staff', 'admin')));
create policy "Admins write products" on public.products for all to authenticated
    using (exists (select from public.users u where u.id = auth.uid() and u.role = 'admin'));
create policy "Variants of active products" on public.product_variants for select using (exists (
    select from public.products p where p.id = product_id and p.status = 'active'));
create policy "Admins read movements" on public.stock_movements for select to authenticated using (exists (
    select from public.users u where u.id = auth.uid() and u.role = 'admin'));
create policy "Own orders" on public.orders for select to authenticated using (user_id = auth.uid());
create publication supabase_realtime for table public.products, public.product_variants;
alter default privileges in schema public grant all on tables to anon, authenticated, service_role;
alter default privileges in schema public grant all on functions to anon, authenticated, service_role;
"""

HELPERS = """
create function public.update_variant_stock(p_variant_id uuid, p_quantity_change integer) returns boolean
    language plpgsql security definer as $$
begin
    update public.product_variants set stock_quantity = stock_quantity + p_quantity_change where id = p_variant_id;
    return found;
end $$;
comment on function public.update_variant_stock(uuid, integer) is 'Called after each payment';
create function public.decrement_stock(p_variant_id uuid, p_quantity integer) returns void
    language plpgsql security definer as $$
begin
    perform public.update_variant_stock(p_variant_id, -p_quantity);
end $$;
create function private.sell(p_sku text, p_quantity integer) returns void language sql security definer as $$
    select public.decrement_stock(v.id, p_quantity) from public.product_variants v where v.sku = p_sku;
$$;
create function public.checkout(p_cart text) returns void language plpgsql security definer as $$
declare _item record;
begin
    for _item in select v.sku, c.quantity from public.cart_items c join public.product_variants v on v.id = c.variant_id
                  where c.cart_id = p_cart loop
        execute format('select private.sell(%L, %s)', _item.sku, _item.quantity);
    end loop;
end $$;
grant usage on schema private to anon;
create function public.is_admin() returns boolean language sql stable security definer as
    $$ select exists (select from public.users u where u.id = auth.uid() and u.role = 'admin') $$;
create function public.items_take_stock() returns trigger language plpgsql security definer as $$
begin
    perform public.update_variant_stock(new.variant_id, -new.quantity);
    return new;
end $$;
create trigger items_take_stock after insert on public.order_items for each row execute function public.items_take_stock();
create function public.variants_of(p_product uuid) returns setof public.product_variants language sql stable as
    $$ select * from public.product_variants where product_id = p_product $$;
"""

GOODS = """
insert into public.products (id, name, slug, status, price, sale_price) values
    ('00000000-0000-4000-8000-000000000101', 'Canyon Purple High', 'canyon-purple-high', 'active', 119.90, null),
    ('00000000-0000-4000-8000-000000000102', 'Dune Runner', 'dune-runner', 'active', 89.00, 79.00),
    ('00000000-0000-4000-8000-000000000103', 'Ridge Low', 'ridge-low', 'draft', 99.00, null);
insert into public.product_variants (id, product_id, sku, size, color, price_adjustment, stock_quantity, damage_quantity)
select format('00000000-0000-4000-8000-0000000%s%s', p.n, s.size)::uuid, format('00000000-0000-4000-8000-000000000%s', p.n)::uuid,
       p.code || '-' || s.size, s.size, 'purple', case when s.size = '46' then 10 else 0 end, s.on_hand, s.damaged
  from (values ('101', 'CPH'), ('102', 'DUN'), ('103', 'RIL')) p (n, code),
       (values ('42', 5, 0), ('43', 3, 1), ('44', 0, 0), ('46', 8, 2)) s (size, on_hand, damaged);
insert into public.stock_levels (variant_id, quantity_on_hand) select id, stock_quantity from public.product_variants;
insert into public.sneakers (name, price, available_stock, in_stock) values ('Old Court', 59, 4, true), ('Old Mesa', 49, 0, false);
insert into public.stock_movements (product_id, variant_id, stock_level_id, movement_type, quantity, quantity_before, quantity_after,
    reason, reference_type, reference_number, notes, performed_by, movement_date, created_at)
select v.product_id, v.id, l.id, m.kind, m.quantity, m.before, m.after, m.reason, m.reference_type, m.number, m.notes,
       '00000000-0000-4000-8000-0000000000a1', timestamptz '2026-03-01 09:00+00' + m.n * interval '1 day',
       timestamptz '2026-03-01 09:05+00' + m.n * interval '1 day'
  from public.product_variants v
  join public.stock_levels l on l.variant_id = v.id,
       (values (1, 'adjustment_in', 7, 0, 7, 'Initial stock count', null, null, 'Counted with Sam'),
               (2, 'purchase', 4, 7, 11, 'Initial stock purchase', 'purchase_order', 'PO-118', null),
               (3, 'sale', -3, 11, 8, 'Order', 'order', 'ORD-2041', null),
               (4, 'adjustment_out', 3, 8, 5, 'Water damage', null, null, 'Shelf B'))
           m (n, kind, quantity, before, after, reason, reference_type, number, notes)
 where v.sku = 'CPH-42';
insert into public.orders (id, order_number, user_id, status, total) values
    ('00000000-0000-4000-8000-000000000901', 'ORD-2041', '00000000-0000-4000-8000-0000000000a2', 'paid', 359.70);
alter table public.order_items disable trigger items_take_stock;
insert into public.order_items (order_id, product_id, variant_id, quantity, unit_price)
select '00000000-0000-4000-8000-000000000901', product_id, id, 3, 119.90 from public.product_variants where sku = 'CPH-42';
alter table public.order_items enable trigger items_take_stock;
insert into public.cart_items (cart_id, variant_id, quantity)
select 'cart-7', id, 2 from public.product_variants where sku = 'DUN-43';
"""


@lru_cache
def landlord(server: Server) -> str:
    """The account that migrates, with the rights that Stockroom's guide asks for: it owns no role but may use ours."""
    with legacy_database(server, "create table public.nothing ()") as scratch:
        adoption.adopt(scratch.url)  # creates our roles on this server, as its administrator does
        scratch.run(f"create role {LANDLORD} login createrole createdb bypassrls")
        scratch.run(f"grant stockroom_owner, stockroom_app, anon, authenticated, service_role to {LANDLORD}")
    return LANDLORD


@contextmanager
def sneaker_shop(server: Server, *more: str, account: str = "postgres") -> Iterator[Legacy]:
    """The shop's database, owned by `account`; `more` are scripts that run after its own."""
    administer(server, ROLES)
    template = _built(server, account, legacy.template_for(server, account))
    with legacy_database(server, *more, account=account, template=template) as shop:
        yield shop


@contextmanager
def moved_in(server: Server, *more: str, account: str) -> Iterator[Legacy]:
    """The shop after it was adopted with the policies for reading, and after others went on building with `more`."""
    with legacy_database(server, account=account, template=_moved_in(server, more, account)) as shop:
        administer(server, f"grant create on database {shop.name} to stockroom_owner")  # a copy lacks it
        yield shop


@contextmanager
def once_adopted(server: Server, opened: Callable[[Server], AbstractContextManager[Legacy]]) -> Iterator[Legacy]:
    """Give a copy of the shop that `opened` gives, after it was adopted. On each server it is adopted once."""
    if (server, opened) not in _adopted:
        with opened(server) as shop:
            adoption.adopt(shop.url)
            name = f"adopted_{uuid.uuid4().hex[:10]}"
            administer(server, f"create database {name} template {shop.name} owner {shop.account} strategy file_copy")
            _adopted[server, opened] = (name, shop.account)
    template, account = _adopted[server, opened]
    with legacy_database(server, account=account, template=template) as copy:
        administer(server, f"grant create on database {copy.name} to stockroom_owner")  # a copy lacks it
        yield copy


_adopted: dict[tuple[Server, object], tuple[str, str]] = {}


@lru_cache
def _built(server: Server, account: str, template: str) -> str:
    """Build the shop once for each server, account and template, and return the name of the database to copy."""
    name = f"built_{uuid.uuid4().hex[:10]}"
    administer(server, f"create database {name} template {template} owner {account} strategy file_copy")
    shop = Legacy(server=server, name=name, account=account)
    for part in (PEOPLE, CATALOGUE, SELLING, HELPERS, GOODS):
        shop.run(part)
    return name


@lru_cache
def _moved_in(server: Server, more: tuple[str, ...], account: str) -> str:
    administer(server, ROLES)
    built, name = _built(server, account, "template1"), f"moved_{uuid.uuid4().hex[:10]}"
    administer(server, f"create database {name} template {built} owner {account} strategy file_copy")
    shop = Legacy(server=server, name=name, account=account)
    adoption.adopt(shop.url, keep_reading=True)
    for part in more:
        shop.run(part)
    return name


SUPABASE_ROLES = {"anon": "", "authenticated": "", "service_role": "bypassrls"}


@contextmanager
def supabase_database(server: Server) -> Iterator[str]:
    """Create a database that is not migrated, and the roles that the server lacks. They are dropped at the end."""
    name, everybody = f"supabase_{uuid.uuid4().hex[:8]}", ", ".join(SUPABASE_ROLES)
    with psycopg.connect(libpq_url(server.url("postgres")), autocommit=True) as administrator:
        known = {row[0] for row in administrator.execute("select rolname::text from pg_roles")}
        lacking = [role for role in SUPABASE_ROLES if role not in known]
        for role in lacking:
            administrator.execute(f"create role {role} {SUPABASE_ROLES[role]}".encode())
        administrator.execute(f"create database {name}".encode())
    with psycopg.connect(libpq_url(server.url(name)), autocommit=True) as owner:
        owner.execute(f"grant usage on schema public to {everybody}".encode())
        for kind in ("tables", "functions", "sequences"):
            owner.execute(f"alter default privileges in schema public grant all on {kind} to {everybody}".encode())
    yield name
    with psycopg.connect(libpq_url(server.url("postgres")), autocommit=True) as administrator:
        administrator.execute(f"drop database {name} with (force)".encode())
        for role in lacking:
            administrator.execute(f"drop role {role}".encode())
