"""The old products and variants: their values in our columns, and what prevents adopting them."""

from __future__ import annotations

from psycopg import sql

from core.adoption.columns import CANNOT_BE, NUMBER, WRONG, Carried, Copied
from core.adoption.look import Database, ask, public
from core.adoption.report import Report, listed
from core.foundation.text import many

_VARIANTS = """
create temp table adoption_variants on commit drop as
select {id} as id, {sku} as sku, {shelf} as shelf, {reserved} as reserved from {table} l"""
_NO_VARIANTS = "create temp table adoption_variants (id uuid, sku text, shelf int, reserved int) on commit drop"


def weigh(database: Database, catalogue: dict[str, Carried], report: Report) -> bool:
    """Check every value that becomes ours, then fill `adoption_variants`. Returns False if something prevents it."""
    obstacles = [obstacle for carried in catalogue.values() for obstacle in carried.obstacles]
    if not obstacles:
        obstacles = [wrong for carried in catalogue.values() for wrong in _wrong_values(database, carried)]
    if not obstacles:
        _fill(database, catalogue.get("product_variants"))
        obstacles = _twice(database, catalogue)
    report.obstacles += obstacles
    if not obstacles and "product_variants" in catalogue:
        _report_variants(database, catalogue, report)
    return not obstacles


def _wrong_values(database: Database, carried: Carried) -> list[str]:
    return [wrong for column in carried.copied if (wrong := _wrong(database, carried, column))]


def _wrong(database: Database, carried: Carried, column: Copied) -> str:
    if column.kind not in WRONG:
        return ""
    name = sql.Identifier("l", column.theirs.name)
    query = sql.SQL("select {c}::text as value, count(*) over () as rows from {table} l where {wrong} limit 5").format(
        c=name, table=public(carried.table.name), wrong=sql.SQL(WRONG[column.kind]).format(c=name, number=NUMBER)
    )
    rows = ask(database, query)
    if not rows:
        return ""
    values = listed([str(row.value) for row in rows])
    where = f"{carried.table.name}.{column.theirs.name}"
    return f"{where} is {CANNOT_BE[column.kind]} in {many(rows[0].rows, 'row')}: {values}."


def _fill(database: Database, variants: Carried | None) -> None:
    if variants is None:
        database.execute(_NO_VARIANTS)
        return
    reserved = variants.of("reserved_quantity")
    values = {ours: column.value for ours in ("id", "sku", "stock_quantity") if (column := variants.of(ours))}
    database.execute(
        sql.SQL(_VARIANTS).format(
            id=values["id"],
            sku=values["sku"],
            shelf=values["stock_quantity"],
            reserved=reserved.value if reserved else sql.SQL("0"),
            table=public(variants.table.name),
        )
    )


def _twice(database: Database, catalogue: dict[str, Carried]) -> list[str]:
    """Return an obstacle for each column of unique values that has duplicates: ids and SKUs."""
    obstacles = []
    for name, carried in catalogue.items():
        for ours in ("id", "sku"):
            if column := carried.of(ours):
                query = sql.SQL("select {}::text as value from {} l group by 1 having count(*) > 1 order by 1").format(
                    column.value, public(name)
                )
                twice = [row.value for row in ask(database, query)]
                obstacles += [f"{name}.{column.theirs.name} must be unique: {listed(twice)}."] if twice else []
    return obstacles


def _report_variants(database: Database, catalogue: dict[str, Carried], report: Report) -> None:
    variants = catalogue["product_variants"]
    _report_unnamed(database, variants, report)
    _report_without_product(database, catalogue, report)
    _report_below_zero(database, variants, report)
    (held,) = ask(database, "select coalesce(sum(reserved), 0)::int as units from adoption_variants")
    if held.units:
        report.found(
            "reserved_quantity",
            many(held.units, "unit"),
            "released: the old holds are not adopted; finish open checkouts first",
        )


def _report_below_zero(database: Database, variants: Carried, report: Report) -> None:
    level = variants.of("stock_quantity")
    if level is None or level.kind == "level":
        report.found("stock_quantity", "not in product_variants", "levels come from stock_levels")
        return
    (below,) = ask(database, _count(variants, "stock_quantity", "nullif(btrim({c}::text), '')::numeric < 0"))
    if below.rows:
        report.found("variants below zero", many(below.rows, "variant"), "they begin at 0")


def _report_unnamed(database: Database, variants: Carried, report: Report) -> None:
    (unnamed,) = ask(database, _count(variants, "sku", "btrim({c}::text) = '' or {c} is null"))
    if unnamed.rows:
        report.found("variants without SKU", many(unnamed.rows, "variant"), "named NO-SKU-... until you give them one")


def _report_without_product(database: Database, catalogue: dict[str, Carried], report: Report) -> None:
    missing = ask(database, sql.SQL("select count(*) as rows from ({}) p").format(missing_products(catalogue)))[0].rows
    if missing:
        report.found("variants without product", many(missing, "product"), "created, with the SKU as the name")


def _count(variants: Carried, ours: str, when: str) -> sql.Composed:
    column = variants.of(ours)
    assert column is not None, "its absence is an obstacle"
    c = sql.Identifier("l", column.theirs.name)
    return sql.SQL("select count(*) as rows from {} l where {}").format(
        public(variants.table.name), sql.SQL(when).format(c=c)
    )


def product_of(variants: Carried) -> sql.Composable:
    """Return the SQL of a variant's product id: the one it has, else the variant's own id."""
    product, own = variants.of("product_id"), variants.of("id")
    assert own is not None, "its absence is an obstacle"
    return product.value if product else own.value


def missing_products(catalogue: dict[str, Carried], suffix: str = "") -> sql.Composed:
    """Return the query of products that variants refer to and the old system does not have: id and name."""
    variants = catalogue["product_variants"]
    sku = variants.of("sku")
    assert sku is not None, "its absence is an obstacle"
    known = sql.SQL("null::uuid where false")
    if products := catalogue.get("products"):
        own = products.of("id")
        assert own is not None, "its absence is an obstacle"
        known = sql.SQL("{} from {} l").format(own.value, public(products.table.name + suffix))  # type: ignore[assignment]
    return sql.SQL(
        "select {id} as id, min({sku}) as name from {table} l where {id} not in (select {known}) group by 1"
    ).format(id=product_of(variants), sku=sku.value, table=public(variants.table.name + suffix), known=known)
