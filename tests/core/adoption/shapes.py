"""Tables of variants as public shops on Supabase have them: names, types, prices and levels in their own ways."""

from __future__ import annotations

import re
from dataclasses import dataclass

Row = tuple[str, str | None, str | None, int, bool]
"""A product's name, size, price, level, and whether it is sold."""


def uuid_of(n: int) -> str:
    """Return the id with this number."""
    return f"00000000-0000-4000-8000-{n:012}"


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A shop's tables, and what becomes of them: words of the proposal, or the start of the refusal, or neither.

    In the script, #7 is the id with the number 7.
    """

    script: str
    rows: tuple[Row, ...] = ()
    words: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def sql(self) -> str:
        """The script with ids."""
        return re.sub(r"#(\d+)", lambda found: f"'{uuid_of(int(found[1]))}'", self.script)


PRODUCTS = """
create table public.products (
    id uuid primary key default gen_random_uuid(), name text not null, slug text unique, price numeric(10, 2),
    created_at timestamptz default now()
);
insert into public.products (id, name, slug, price) values
    (#1, 'Court', 'court', 90), (#2, 'Mesa', 'mesa', 70);
"""

SHAPES = {
    "our own names": Shape(
        script=PRODUCTS
        + """
create table public.product_variants (
    id uuid primary key, product_id uuid not null references public.products on delete cascade,
    sku text unique not null, size text not null, price numeric(10, 2),
    stock_quantity integer not null default 0, is_active boolean default true, weight_grams integer
);
insert into public.product_variants values (#11, #1, 'C-41', '41', 95, 5, true, 900),
    (#12, #1, 'C-42', '42', null, 0, true, 910), (#13, #2, 'M-42', '42', null, 7, false, null);
""",
        rows=(
            ("Court", "41", "95.00", 5, True),
            ("Court", "42", "90.00", 0, True),
            ("Mesa", "42", "70.00", 7, False),
        ),
    ),
    "minor units and a flag": Shape(
        script=PRODUCTS
        + """
create table public.product_variants (
    id uuid primary key, product_id uuid references public.products, size text, price_cents integer not null,
    stock integer not null default 0, active boolean not null default true
);
insert into public.product_variants values (#11, #1, 'EU 41', 9550, 5, true),
    (#12, #1, 'EU 42', 9000, 0, true), (#13, #2, 'EU 42', 7000, 7, false);
create index on public.product_variants (price_cents) where active;
""",
        words=("stock=stock_quantity", "product_variants.id=sku", "price_cents=price/100", "active=is_active"),
        rows=(
            ("Court", "EU 41", "95.50", 5, True),
            ("Court", "EU 42", "90.00", 0, True),
            ("Mesa", "EU 42", "70.00", 7, False),
        ),
    ),
    "a table variants, deleted softly": Shape(
        script=PRODUCTS
        + """
create table public.variants (
    id uuid primary key, product_id uuid not null references public.products, sku varchar(40) unique, option1 text,
    price numeric(10, 2),
    inventory_quantity integer not null default 0 check (inventory_quantity >= 0), deleted_at timestamptz,
    "Bin Mark" text check (length("Bin Mark") < 9)
);
create index "by Mark" on public.variants ("Bin Mark");
insert into public.variants values (#11, #1, 'C-41', '41', 95, 5, null, 'A1'),
    (#12, #1, 'C-42', '42', 95, 0, null, null), (#13, #2, 'M-42', '42', 60, 7, now(), 'B1');
create table public.order_items (
    id uuid primary key, product_id uuid references public.products, variant_id uuid references public.variants,
    quantity integer not null, size text
);
insert into public.order_items values (#91, #1, #11, 1, '41');
create view public.shelf as
    select v.sku, v.option1, v.inventory_quantity from public.variants v where v.deleted_at is null;
""",
        words=("inventory_quantity=stock_quantity", "deleted_at=is_active", "option1=size"),
        rows=(
            ("Court", "41", "95.00", 5, True),
            ("Court", "42", "95.00", 0, True),
            ("Mesa", "42", "60.00", 7, False),
        ),
    ),
    "sizes without a SKU": Shape(
        script=PRODUCTS
        + """
create table public.product_sizes (
    id uuid primary key, product_id uuid not null references public.products on delete cascade,
    size numeric(3, 1) not null, stock smallint not null default 0, unique (product_id, size)
);
insert into public.product_sizes values (#11, #1, 8.5, 5), (#12, #1, 9, 0),
    (#13, #2, 10, 7);
""",
        words=("stock=stock_quantity", "product_sizes.id=sku"),
        rows=(
            ("Court", "8.5", "90.00", 5, True),
            ("Court", "9.0", "90.00", 0, True),
            ("Mesa", "10.0", "70.00", 7, True),
        ),
    ),
    "options in jsonb and a status": Shape(
        script=PRODUCTS
        + """
create type public.sku_status as enum ('active', 'draft', 'archived');
create table public.skus (
    id uuid primary key, product_id uuid references public.products, product_code text not null unique,
    attributes jsonb not null default '{}', qty bigint not null default 0, unit_amount bigint,
    status public.sku_status
);
insert into public.skus values (#11, #1, 'C-41', '{"size": "41", "color": "sand"}', 5, 9500, 'active'),
    (#12, #1, 'C-42', '{"size": "42"}', 0, 9500, 'draft'), (#13, #2, 'M-42', '{}', 7, null, null);
""",
        words=(
            *("qty=stock_quantity", "unit_amount=price/100", "status=is_active", "product_code=sku"),
            "attributes.size=size",
        ),
        rows=(("Court", "41", "95.00", 5, True), ("Court", "42", "95.00", 0, False), ("Mesa", None, "70.00", 7, True)),
    ),
    "products alone": Shape(
        script=PRODUCTS
        + """
alter table public.products add stock integer not null default 0, add is_active boolean not null default true;
insert into public.products (id, name, slug, price, is_active) values (#3, 'Dune', null, 50, false);
update public.products set stock = 5 where slug = 'court';
update public.products set stock = 7 where slug = 'mesa';
""",
        rows=(("Court", None, "90.00", 5, True), ("Dune", None, "50.00", 0, False), ("Mesa", None, "70.00", 7, True)),
    ),
    "sneakers alone": Shape(
        script="""
create table public.sneakers (
    id uuid primary key, name text not null, brand text, price numeric not null,
    available_stock integer not null default 0, in_stock boolean not null default true
);
insert into public.sneakers values (#1, 'Old Court', 'Canyon', 59, 4, true),
    (#2, 'Old Mesa', null, 49, 0, false), (#3, 'Old Dune', null, 39.5, 9, true);
""",
        rows=(
            ("Old Court", None, "59.00", 4, True),
            ("Old Dune", None, "39.50", 9, True),
            ("Old Mesa", None, "49.00", 0, True),
        ),
    ),
    "levels in a table of their own": Shape(
        script=PRODUCTS
        + """
create table public.product_variants (
    id uuid primary key, product_id uuid references public.products, custom_code text not null,
    size_value text, price numeric
);
insert into public.product_variants values (#11, #1, 'C-41', '41', 95),
    (#12, #1, 'C-42', '42', 95), (#13, #2, 'M-42', '42', 60);
create table public.inventory (
    id serial primary key, variant_id uuid not null unique references public.product_variants on delete cascade,
    quantity integer not null default 0, warehouse text not null default 'main'
);
insert into public.inventory (variant_id, quantity) values (#11, 5), (#13, 7);
""",
        words=("inventory.quantity=stock_quantity", "custom_code=sku", "size_value=size"),
        rows=(("Court", "41", "95.00", 5, True), ("Court", "42", "95.00", 0, True), ("Mesa", "42", "60.00", 7, True)),
    ),
    "shoes and their sizes": Shape(
        script="""
create table public.shoes (id uuid primary key, title text not null, image_url text, price_paise bigint not null);
insert into public.shoes values (#1, 'Court', null, 899900), (#2, 'Mesa', null, 749900);
create table public.shoe_sizes (
    id uuid primary key, shoe_id uuid not null references public.shoes, us_size text not null, article_no text unique,
    quantity integer not null default 0, is_archived boolean not null default false
);
insert into public.shoe_sizes values (#11, #1, 'US 8', 'C-8', 5, false),
    (#12, #1, 'US 9', 'C-9', 0, false), (#13, #2, 'US 9', 'M-9', 7, true);
""",
        words=(
            *("price_paise=price/100", "quantity=stock_quantity", "is_archived=is_active", "article_no=sku"),
            "us_size=size",
        ),
        rows=(
            ("Court", "US 8", "8999.00", 5, True),
            ("Court", "US 9", "8999.00", 0, True),
            ("Mesa", "US 9", "7499.00", 7, False),
        ),
    ),
    "whole prices and a label": Shape(
        script=PRODUCTS
        + """
create table public.product_variants (
    id uuid primary key, product_id uuid references public.products, sku text unique, label text not null,
    price integer not null, stock_quantity integer not null default 0, is_active boolean not null default true
);
insert into public.product_variants values (#11, #1, 'C-41', '41', 9550, 5, true),
    (#12, #1, 'C-42', '42', 9000, 0, true), (#13, #2, 'M-42', '42', 7000, 7, false);
""",
        words=("product_variants.price=price/100", "label=size"),
        rows=(("Court", "41", "95.50", 5, True), ("Court", "42", "90.00", 0, True), ("Mesa", "42", "70.00", 7, False)),
    ),
    "counted ids": Shape(
        script="""
create table public.products (id serial primary key, name text not null, price numeric);
create table public.product_variants (
    id bigint generated always as identity primary key, product_id integer references public.products,
    sku text, stock integer
);
insert into public.products (name) values ('Court');
insert into public.product_variants (product_id, sku, stock) values (1, 'C-41', 5), (1, 'C-42', 0), (1, 'C-43', 7);
""",
        refusal="products.id is integer, which cannot safely become uuid.",
    ),
    "two warehouses": Shape(
        script=PRODUCTS
        + """
create table public.product_variants (
    id uuid primary key, product_id uuid references public.products, sku text unique, size text
);
insert into public.product_variants values (#11, #1, 'C-41', '41'), (#12, #1, 'C-42', '42');
create table public.warehouses (id uuid primary key, name text);
insert into public.warehouses values (#21, 'Berlin'), (#22, 'Leipzig');
create table public.inventory_levels (
    variant_id uuid references public.product_variants, warehouse_id uuid references public.warehouses,
    quantity integer not null, primary key (variant_id, warehouse_id)
);
insert into public.inventory_levels values (#11, #21, 3), (#11, #22, 2), (#12, #21, 7);
""",
        refusal="public.inventory_levels has levels in 2 warehouses (warehouse_id)",
    ),
    "levels inside jsonb": Shape(
        script=PRODUCTS
        + """
alter table public.products add sizes jsonb not null default '[]';
update public.products set sizes = '[{"size": "41", "stock": 5}, {"size": "42", "stock": 0}]';
""",
        refusal="products.sizes keeps levels inside a jsonb value in 2 rows",
    ),
    "sizes without an id": Shape(
        script=PRODUCTS
        + """
create table public.product_sizes (
    product_id uuid references public.products, size text, quantity integer not null, primary key (product_id, size)
);
insert into public.product_sizes values (#1, '41', 5), (#1, '42', 0), (#2, '42', 7);
""",
        refusal="product_sizes has no column id, and Stockroom needs a uuid for every row.",
    ),
}
