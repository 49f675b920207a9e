"""Proposes how to map the columns of an old table, from their names and their content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from psycopg import sql

from core.adoption.catalogue import product_of, value_of, with_ended_products, wrong_values
from core.adoption.columns import Carried, Copied, lacks
from core.adoption.look import Column, Database, Table, ask, public
from core.adoption.report import Guess
from core.adoption.shapes import LEVELS, NAMES, OWN_LEVELS, SIZES, SKUS, Made, Shape, Words, is_flag

STANDS = ("SKU", "product", "size", "price", "level", "sold")
MINOR = ("price_cents", "price_in_cents", "price_paise", "price_in_paise", "price_pence", "price_minor", "unit_amount")
PRICES = ("unit_price", "selling_price", "retail_price")
SOLD = (
    *("active", "enabled", "is_enabled", "is_available", "available", "published", "is_published", "visible"),
    *("archived", "is_archived", "deleted", "is_deleted", "disabled", "is_disabled", "discontinued", "is_discontinued"),
    *("deleted_at", "archived_at", "discontinued_at", "status", "state"),
)
_LINKS = ("product_id", "sneaker_id", "shoe_id", "item_id")
_REFERS = """
    select a.attname::text as column
      from pg_constraint k join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
     where k.conrelid = %s and k.confrelid = %s and k.contype = 'f' and cardinality(k.conkey) = 1 order by 1"""


def propose(database: Database, shape: Shape, catalogue: dict[str, Carried], mapping: Words) -> list[Guess]:
    """Return what the names and the content of columns suggest, for what the mapping does not decide."""
    found: list[Guess] = []
    for ours, carried in catalogue.items():
        asker = _Asker(database, shape, carried, mapping)
        has_own = ours == "product_variants" or "product_variants" not in catalogue
        found += asker.prices()
        if ours == "products":
            found += asker.names()
        if ours == "product_variants" or (has_own and asker.has_level()):
            found += asker.levels()
            found += asker.sold(SOLD)
        if ours == "product_variants":
            found += [*asker.skus(), *asker.sizes()]
        elif not has_own:
            found += asker.sold([name for name in SOLD if is_flag(carried.table.columns.get(name), ended=True)])
    return found


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks the content of one table."""

    database: Database
    shape: Shape
    carried: Carried
    mapping: Words

    def has_level(self) -> bool:
        """Whether a column may hold the level of a product without variants."""
        return self._decided("stock_quantity") or any(True for _ in self._named(LEVELS))

    def levels(self) -> Iterator[Guess]:
        """Yield the column of whole numbers that may be the level."""
        if not self._decided("stock_quantity"):
            for column in self._named(LEVELS):
                if self._all(column, r"{c}::text ~ '^\s*-?\d{{1,9}}(\.0*)?\s*$'"):
                    yield self._guess(column, "stock_quantity", "whole numbers")
                    return

    def skus(self) -> Iterator[Guess]:
        """Yield the column of unique texts that may be the SKU, or else the id."""
        if not self._decided("sku"):
            names = [name for name in SKUS if is_unique_text(self.database, self.carried.table, name)]
            yield from [self._guess(column, "sku", "one for each row") for column in self._named(names[:1])] or [
                self._guess(column, "sku", "no other column has one value for each row")
                for column in self._named(["id"])
            ]

    def sizes(self) -> Iterator[Guess]:
        """Yield the column, or the key of a jsonb column, that may be the size."""
        if self._decided("size"):
            return
        taken = {name for (table, name) in self.mapping if table == self.carried.table.name}
        for column in self._named(SIZES):
            if column.name not in taken and column.category in "SEN" and self._any(column, "{c} is not null"):
                yield self._guess(column, "size", "its values")
                return
        for column in self.carried.table.columns.values():
            if column.type == "jsonb":
                query = sql.SQL(
                    "select distinct k.key from {} l, "
                    "jsonb_object_keys(case jsonb_typeof({c}) when 'object' then {c} end) k (key)"
                )
                keys = [
                    row.key
                    for row in ask(
                        self.database, query.format(public(self.carried.table.name), c=sql.Identifier("l", column.name))
                    )
                ]
                if key := next((key for key in sorted(keys) if key.lower() in ("size", *SIZES)), None):
                    yield self._guess(column, "size", "the text under this key", key=key)
                    return

    def prices(self) -> Iterator[Guess]:
        """Yield the column that may be the price, in minor units or not."""
        if "price" in self.mapping.decided(self.carried.table.name):
            return
        price = self.carried.table.columns.get("price")
        if price and self.carried.of("price"):
            if (
                price.type in ("integer", "bigint")
                and self._all(price, "{c} = 0 or {c} >= 1000")
                and self._any(price, "{c} > 0")
            ):
                yield self._guess(
                    price,
                    "price",
                    "whole numbers like minor units, amounts from then on; price=price keeps them",
                    by=100,
                )
            return
        for column in self._named(MINOR):
            if column.category == "N":
                yield self._guess(column, "price", "minor units", by=100)
                return
        for column in self._named(PRICES):
            if column.category == "N":
                yield self._guess(column, "price", "amounts")
                return

    def names(self) -> Iterator[Guess]:
        """Yield the column that may be the product's name."""
        if not self._decided("name"):
            yield from [self._guess(column, "name", "its values") for column in self._named(NAMES)][:1]

    def sold(self, names: Sequence[str]) -> Iterator[Guess]:
        """Yield the columns that may say whether a row is sold, and `is_active` if they add to it."""
        if "is_active" in self.mapping.decided(self.carried.table.name):
            return
        own = (
            self.carried.table.columns.get("is_active")
            if self.carried.ours == "product_variants" or names is SOLD
            else None
        )
        columns = [column for column in self._named(names) if is_flag(column)]
        marking = [column for column in columns if self._marks(column, own)]
        if own and marking:
            yield self._guess(own, "is_active", "as it is")
        elif not own and not marking and names is SOLD:
            marking = columns[:1]
        for column in marking:
            yield self._guess(
                column, "is_active", "sold where it is empty" if column.category == "D" else "whether it is sold"
            )

    def _marks(self, column: Column, own: Column | None) -> bool:
        sold = is_flag(column).format(c=sql.Identifier("l", column.name))  # type: ignore[union-attr]
        but = sql.SQL(" and {}").format(sql.Identifier("l", own.name)) if own else sql.SQL("")
        query = sql.SQL("select exists (select from {} l where not ({}){}) as yes")
        return bool(ask(self.database, query.format(public(self.carried.table.name), sold, but))[0].yes)

    def _decided(self, ours: str) -> bool:
        return bool(self.carried.of(ours)) or ours in self.mapping.decided(self.carried.table.name)

    def _named(self, names: Sequence[str]) -> Iterator[Column]:
        table = self.carried.table
        for name in names:
            if name in table.columns and (table.name, name) not in self.mapping.ignored:
                yield table.columns[name]

    def _all(self, column: Column, condition: str) -> bool:
        return not self._any(column, f"{{c}} is not null and not ({condition})")

    def _any(self, column: Column, condition: str) -> bool:
        where = sql.SQL(condition).format(c=sql.Identifier("l", column.name))
        query = sql.SQL("select exists (select from {} l where {}) as yes").format(
            public(self.carried.table.name), where
        )
        return bool(ask(self.database, query)[0].yes)

    def _guess(self, column: Column, ours: str, why: str, *, by: int = 1, key: str | None = None) -> Guess:
        table = self.carried.table
        c: sql.Composable = sql.Identifier("l", column.name)
        c = sql.SQL("({} ->> {})").format(c, key) if key else c
        query = sql.SQL("select distinct left({}::text, 40) as value from {} l where {} is not null order by 1 limit 3")
        values = [row.value for row in ask(self.database, query.format(c, public(table.name), c))]
        shared = any(column.name in other.columns for other in self.shape.old.values() if other.name != table.name)
        theirs = f"{table.name}.{column.name}" if shared else column.name
        word = f"{theirs}.{key}={ours}" if key else f"{theirs}={ours}" + (f"/{by}" if by > 1 else "")
        return Guess(
            word=word,
            theirs=f"{table.name}.{column.name}",
            ours=ours,
            why=f"{why}: {', '.join(values)}" if values else why,
        )


def add_unmistakable(database: Database, shape: Shape, mapping: Words) -> None:
    """Add what needs no `--map`: the foreign key to the products, the old tables' titles, and a product's level."""
    products, variants = shape.old.get("products"), shape.old.get("product_variants")
    if products and variants and "product_id" not in variants.columns:
        links = [row.column for row in ask(database, _REFERS, variants.oid, products.oid)]
        links = links or [name for name in _LINKS if name in variants.columns]
        if links and "product_id" not in mapping.decided(variants.name):
            mapping[variants.name, links[0]] = "product_id"
    history = shape.old.get("stock_movements")
    names = {*history.columns} if history else set()
    is_by_product = "product_id" in names and not {"variant_id", "product_variant_id"} & names and not variants
    if history and is_by_product and "variant_id" not in mapping.decided(history.name):
        mapping[history.name, "product_id"] = "variant_id"  # the variant of a product without any has its id
    for table in filter(None, (products, shape.beside)):
        if "name" not in table.columns and "name" not in mapping.decided(table.name) and "title" in table.columns:
            mapping[table.name, "title"] = "name"
        if "stock_quantity" not in mapping.decided(table.name):
            level = next((n for n in OWN_LEVELS if n in table.columns and table.columns[n].category == "N"), None)
            if level and (table.name, level) not in mapping.ignored:
                mapping.made[table.name, "stock_quantity"] = [Made(column=level)]


def with_levels(carried: Carried, levels: Table | None, name: str, link: str) -> Carried:
    """Take each variant's level from a table of levels, column `name`, if the variants have none.

    `link` is its column that refers to the variant. Several rows of one variant are added up.
    """
    own = carried.of("id")
    if levels is None or carried.of("stock_quantity") or own is None:
        return carried
    value = sql.SQL("greatest(coalesce((select sum(s.{}) from {} s where s.{} = {}), 0), 0)::int").format(
        sql.Identifier(name), sql.Identifier("public", levels.name), sql.Identifier(link), own.value
    )
    column = replace(levels.columns[name], name="stock_quantity", generated=True)  # there is no column to write back
    copied = (*carried.copied, Copied(ours="stock_quantity", theirs=column, kind="level", value=value))
    missing = lacks(carried.table.name, "stock_quantity")
    return replace(carried, copied=copied, obstacles=tuple(each for each in carried.obstacles if each != missing))


def add_own_sku(database: Database, table: Table, mapping: Words) -> None:
    """Let the variants of products without any take their SKU from a column with one text for each product."""
    if "sku" in mapping.decided(table.name):
        return
    free = (name for name in (*SKUS, "slug") if (table.name, name) not in mapping.ignored)
    if name := next((name for name in free if is_unique_text(database, table, name, every=False)), None):
        mapping.made[table.name, "sku"] = [Made(column=name)]


def is_unique_text(database: Database, table: Table, name: str, *, every: bool = True) -> bool:
    """Whether a column has one text for `every` row, or for those that have any, that can be its SKU."""
    if name not in table.columns or table.columns[name].category not in "SE":
        return False
    query = sql.SQL(
        "select count({of}) = count(distinct {c}) and count({c}) > 0 and "
        "count(*) filter (where length({c}::text) not between 1 and 80) = 0 as yes from {} l"
    ).format(
        public(table.name),
        of=sql.SQL("*") if every else sql.Identifier("l", name),
        c=sql.Identifier("l", name),
    )
    return bool(ask(database, query)[0].yes)


def rows_as_they_would_stand(database: Database, catalogue: dict[str, Carried]) -> tuple[tuple[str, ...], ...]:
    """Return three rows under STANDS, or none if a value of these columns cannot become ours."""
    tables = catalogue.values()
    catalogue = with_ended_products(catalogue)
    if any(carried.obstacles or wrong_values(database, carried) for carried in tables) or "products" not in catalogue:
        return ()
    products, variants = catalogue["products"], catalogue.get("product_variants")
    found = variants or products
    values = {each.ours: each.value for each in (*found.copied, *found.own)}
    columns = [values.get(ours, sql.SQL("null")) for ours in ("sku", "size", "price", "stock_quantity", "is_active")]
    price = products.of("price")
    query = sql.SQL(
        """select v.sku, p.name, v.size, coalesce(v.price::numeric, p.price) as price, v.shelf, v.is_active
             from (select {product} as product, {id} as id, {columns} from {table} l)
                  v (product, id, sku, size, price, shelf, is_active)
             left join (select {pid} as id, {pname} as name, {pprice}::numeric as price from {ptable} l) p
               on p.id = v.product
            order by v.shelf desc nulls last, v.id limit 3"""
    ).format(
        product=product_of(variants) if variants else value_of(products, "id"),
        id=value_of(found, "id"),
        columns=sql.SQL(", ").join(columns),
        table=public(found.table.name),
        pid=value_of(products, "id"),
        pname=value_of(products, "name"),
        pprice=price.value if price else sql.SQL("null"),
        ptable=public(products.table.name),
    )
    return tuple(
        (
            *(row.sku or "generated", row.name or row.sku or "", str(row.size or ""), str(row.price or "")),
            *(str(row.shelf or 0), "no" if row.is_active is False else "yes"),
        )
        for row in ask(database, query)
    )
