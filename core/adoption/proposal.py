"""Proposes how to map the columns of an old table, from their names and their content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from core.adoption.catalogue import product_of, value_of, with_ended_products, wrong_values
from core.adoption.columns import Carried
from core.adoption.look import Column, Database, Table, ask, public
from core.adoption.report import Guess
from core.adoption.shapes import LEVELS, NAMES, SIZES, SKUS, Made, Shape, Words, is_flag, stock_tables
from core.foundation.text import many

STANDS = ("SKU", "product", "size", "price", "level", "sold")
MINOR = ("price_cents", "price_in_cents", "price_paise", "price_in_paise", "price_pence", "price_minor", "unit_amount")
PRICES = ("unit_price", "selling_price", "retail_price")
SOLD = (
    *("active", "enabled", "is_enabled", "is_available", "available", "published", "is_published", "visible"),
    *("archived", "is_archived", "deleted", "is_deleted", "disabled", "is_disabled", "discontinued", "is_discontinued"),
    *("deleted_at", "archived_at", "discontinued_at", "status", "state"),
)


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
        return self._decided("stock_quantity") or any(True for _ in self._named(LEVELS))

    def levels(self) -> Iterator[Guess]:
        if not self._decided("stock_quantity"):
            for column in self._named(LEVELS):
                if self._all(column, r"{c}::text ~ '^\s*-?\d{{1,9}}(\.0*)?\s*$'"):
                    yield self._guess(column, "stock_quantity", "whole numbers")
                    return

    def skus(self) -> Iterator[Guess]:
        if not self._decided("sku"):
            names = [name for name in SKUS if is_unique_text(self.database, self.carried.table, name)]
            yield from [self._guess(column, "sku", "one for each row") for column in self._named(names[:1])] or [
                self._guess(column, "sku", "no other column has one value for each row")
                for column in self._named(["id"])
            ]

    def sizes(self) -> Iterator[Guess]:
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
                    "whole numbers that look like minor units; price=price takes them as they are",
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
        if not self._decided("name"):
            yield from [self._guess(column, "name", "its values") for column in self._named(NAMES)][:1]

    def sold(self, names: Sequence[str]) -> Iterator[Guess]:
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


def add_own_sku(database: Database, table: Table, mapping: Words) -> None:
    """Let the variants of products without any take their SKU from a column with one text for each product."""
    if "sku" in mapping.decided(table.name):
        return
    free = (name for name in (*SKUS, "slug") if (table.name, name) not in mapping.ignored)
    if name := next((name for name in free if is_unique_text(database, table, name)), None):
        mapping.made[table.name, "sku"] = [Made(column=name)]


def is_unique_text(database: Database, table: Table, name: str) -> bool:
    """Whether a column has one text for each row that can be its SKU."""
    if name not in table.columns or table.columns[name].category not in "SE":
        return False
    query = sql.SQL(
        "select count(*) = count(distinct {c}) and "
        "count(*) filter (where length({c}::text) not between 1 and 80) = 0 as yes from {} l"
    ).format(public(table.name), c=sql.Identifier("l", name))
    return bool(ask(database, query)[0].yes)


def stock_elsewhere(database: Database) -> str:
    """Return where the old tables show stock: the first column with units above zero, or an empty text."""
    for table in stock_tables(database):
        for name in (each for each in LEVELS if each in table.columns):
            is_flag_only = table.columns[name].type == "boolean" and name == "in_stock" and {*NAMES} & {*table.columns}
            if table.columns[name].category != "N" and not is_flag_only:
                continue
            units = sql.SQL("{}::int" if is_flag_only else "greatest({}, 0)").format(sql.Identifier(name))
            query = sql.SQL("select coalesce(sum({}), 0)::bigint as units from {}").format(units, public(table.name))
            if found := ask(database, query)[0].units:
                what = (
                    f"{many(found, 'product')} in stock, and no number of units"
                    if is_flag_only
                    else many(found, "unit")
                )
                return f"public.{table.name}.{name} shows {what}"
    return ""


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
