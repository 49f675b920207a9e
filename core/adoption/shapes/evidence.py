"""Asks the content of old tables what their columns may be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from core.adoption.columns import Carried
from core.adoption.look import Column, Database, Table, ask, public
from core.adoption.report import Guess
from core.adoption.shapes.tables import LEVELS, NAMES, SIZES, SKUS, Shape
from core.adoption.shapes.words import Words, is_flag, snake

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
            found += asker.sold(asker.ended())
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
            unique = [
                each for each in self._named(SKUS) if is_unique_text(self.database, self.carried.table, each.name)
            ]
            yield from [self._guess(column, "sku", "one for each row") for column in unique[:1]] or [
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

    def ended(self) -> list[str]:
        """Return the names in SOLD of the columns that say that something is no longer sold."""
        return [name for name in SOLD if any(is_flag(column, ended=True) for column in self._named([name]))]

    def sold(self, names: Sequence[str]) -> Iterator[Guess]:
        """Yield the columns that may say whether a row is sold, and `is_active` if they add to it."""
        if "is_active" in self.mapping.decided(self.carried.table.name):
            return
        own = (
            self.carried.table.columns.get("is_active")
            if self.carried.ours == "product_variants" or names is SOLD
            else None
        )
        columns = [column for column in self._named([*names, "is_active"]) if is_flag(column) and column is not own]
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
            for column in table.columns.values():
                if snake(column.name) == name and (table.name, column.name) not in self.mapping.ignored:
                    yield column

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
