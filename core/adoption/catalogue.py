"""The old products and variants: their values in our columns, and what prevents adopting them."""

from __future__ import annotations

from dataclasses import replace

from psycopg import sql

from core.adoption.columns import CANNOT_BE, NUMBER, WRONG, Carried, Copied
from core.adoption.look import Column, Database, Table, ask, public
from core.adoption.report import Report, listed
from core.foundation.text import many

_VARIANTS = """
create temp table adoption_variants on commit drop as
select {id} as id, {sku} as sku, {shelf} as shelf, {reserved} as reserved, {damaged} as damaged from {table} l"""
_NO_VARIANTS = (
    "create temp table adoption_variants (id uuid, sku text, shelf int, reserved int, damaged int) on commit drop"
)
_OWN = """
create temp table adoption_own (id uuid, sku text, shelf int, damaged int, is_active boolean, is_beside boolean)
    on commit drop"""
_OWN_ROWS = """
insert into adoption_own
select o.* from (select {id} as id, coalesce({sku}, 'NO-SKU-' || left(replace({id}::text, '-', ''), 12)) as sku,
                        {shelf} as shelf, {damaged} as damaged, {active} as is_active, {beside}
                   from {table} l where {wanted}) o
 where o.id not in (select {product} from {variants} l) and (o.shelf > 0 or {all})"""
_OWN_SKUS = """
update adoption_own o set sku = 'NO-SKU-' || replace(o.id::text, '-', '')
 where exists (select from adoption_variants v where v.sku = o.sku)
    or exists (select from adoption_own p where p.sku = o.sku and p.id <> o.id)"""
_NOT_KNOWN = """
{id} not in (select {known} from {products} l) and {name} not in (select {known_name} from {products} l)"""


def weigh(database: Database, catalogue: dict[str, Carried], report: Report, beside: Carried | None = None) -> bool:
    """Check every value that becomes ours, then fill `adoption_variants`. Returns False if something prevents it.

    `beside` is an old table of products next to `products`. `adoption_own` has the variants of products without any.
    """
    tables = [*catalogue.values(), *([beside] if beside else [])]
    obstacles = [obstacle for carried in tables for obstacle in carried.obstacles]
    if not obstacles:
        obstacles = [wrong for carried in tables for wrong in wrong_values(database, carried)]
    if not obstacles:
        for name, carried in catalogue.items():
            catalogue[name] = _with_damaged(database, carried, report)
        _fill(database, catalogue.get("product_variants"))
        _fill_own(database, catalogue, beside, report)
        obstacles = _twice(database, catalogue)
    report.obstacles += obstacles
    if not obstacles and "product_variants" in catalogue:
        _report_variants(database, catalogue, report)
    return not obstacles


def _with_damaged(database: Database, carried: Carried, report: Report) -> Carried:
    """Keep the columns of units that cannot be sold which are part of the level, and report what happens to each."""
    level = carried.of("stock_quantity") or next((each for each in carried.own if each.ours == "stock_quantity"), None)
    kept = []
    for column in carried.damaged if level else ():
        value = _units_of(column)
        (found,) = ask(
            database,
            sql.SQL(
                "select coalesce(sum({v}), 0)::bigint as units, count(*) filter (where {v} > 0) as rows, "
                "coalesce(bool_or({v} > {shelf}), false) as is_more from {table} l"
            ).format(v=value, shelf=level.value, table=public(carried.table.name)),  # type: ignore[union-attr]
        )
        name = f"{carried.table.name}.{column.name}"
        if found.is_more:
            report.found(
                name, many(found.units, "unit"), "not part of the level, which is lower; the column stays as it is"
            )
        elif found.units:
            kept.append(column)
            then = "cannot be sold: taken off the level as damaged, then 0; if the level is without them: "
            report.found(name, many(found.units, "unit"), f"{then}--map {column.name}=none")
    return replace(carried, damaged=tuple(kept))


def _units_of(column: Column) -> sql.Composed:
    return sql.SQL("greatest(coalesce({}, 0), 0)::int").format(sql.Identifier("l", column.name))


def _damaged(carried: Carried) -> sql.Composable:
    return sql.SQL(" + ").join([sql.SQL("0"), *map(_units_of, carried.damaged)])


def wrong_values(database: Database, carried: Carried) -> list[str]:
    """Return a sentence for each column with values that cannot become ours."""
    return [wrong for column in (*carried.copied, *carried.own) if (wrong := _wrong(database, carried, column))]


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
            damaged=_damaged(variants),
            table=public(variants.table.name),
        )
    )


def _fill_own(database: Database, catalogue: dict[str, Carried], beside: Carried | None, report: Report) -> None:
    """Fill `adoption_own`, one variant for each product without any, and add it to `adoption_variants`."""
    database.execute(_OWN)
    variants = catalogue.get("product_variants")
    for carried in filter(None, (catalogue.get("products"), beside)):
        if "stock_quantity" not in (own := {each.ours: each.value for each in carried.own}):
            continue
        is_beside = carried is beside
        every = is_beside or variants is None or variants.table.rows == 0
        values = {
            "id": value_of(carried, "id"),
            "sku": own.get("sku", sql.SQL("null")),
            "shelf": own["stock_quantity"],
            "damaged": _damaged(carried),
            "active": own.get("is_active") or _active(carried.table),
            "beside": sql.Literal(is_beside),
            "all": sql.Literal(every),
            "wanted": _not_known(carried, catalogue["products"]) if is_beside else sql.SQL("true"),
            "product": product_of(variants) if variants else sql.SQL("null::uuid"),
            "variants": public(variants.table.name) if variants else sql.SQL("(select where false)"),
            "table": public(carried.table.name),
        }
        database.execute(sql.SQL(_OWN_ROWS).format(**values))
        _report_own(database, carried, is_beside, report)
    database.execute(_OWN_SKUS)
    database.execute("insert into adoption_variants select id, sku, shelf, 0, damaged from adoption_own")


def _active(products: Table) -> sql.SQL:
    column = products.columns.get("is_active")
    return sql.SQL("coalesce(l.is_active, true)" if column and column.type == "boolean" else "true")


def _not_known(beside: Carried, products: Carried) -> sql.Composed:
    """Return the condition that a row of the table beside is not in `products` under the same id or name."""
    return sql.SQL(_NOT_KNOWN).format(
        id=value_of(beside, "id"),
        name=value_of(beside, "name"),
        known=value_of(products, "id"),
        known_name=value_of(products, "name"),
        products=public(products.table.name),
    )


def _report_own(database: Database, carried: Carried, is_beside: bool, report: Report) -> None:
    count = "select count(*) as rows, coalesce(sum(shelf), 0)::bigint as units from adoption_own where is_beside = %s"
    (found,) = ask(database, count, is_beside)
    if not found.rows:
        return
    of = {each.ours: f"{carried.table.name}.{each.theirs.name}" for each in carried.own}
    sku = f"SKU from {of['sku']}" if "sku" in of else "a generated SKU"
    then = f"one variant each with the product's id, {sku}, level from {of['stock_quantity']}"
    if is_beside:
        then = f"become products with {then}; the table stays; --map {carried.table.name}=none leaves them out"
    else:
        then += "; show product_variants.computed_available_stock from now on, the old column stays as it is"
    what = carried.table.name if is_beside else "products without variants"
    report.found(what, f"{many(found.rows, 'product')}, {many(found.units, 'unit')}", then)


def value_of(carried: Carried, ours: str) -> sql.Composable:
    """Return the SQL of a value that every table here has."""
    column = carried.of(ours)
    assert column is not None, "its absence is an obstacle"
    return column.value


def _twice(database: Database, catalogue: dict[str, Carried]) -> list[str]:
    """Return an obstacle for each column of unique values that has duplicates: ids and SKUs."""
    obstacles = []
    for carried in catalogue.values():
        for ours in ("id", "sku"):
            if column := carried.of(ours):
                query = sql.SQL("select {}::text as value from {} l group by 1 having count(*) > 1 order by 1").format(
                    column.value, public(carried.table.name)
                )
                twice = [row.value for row in ask(database, query)]
                obstacles += (
                    [f"{carried.table.name}.{column.theirs.name} must be unique: {listed(twice)}."] if twice else []
                )
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
        report.found("stock_quantity", "not in product_variants", "levels come from a table of levels")
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


def with_ended_products(catalogue: dict[str, Carried], suffix: str = "") -> dict[str, Carried]:
    """Return the catalogue in which no variant of a product that is no longer sold is sold."""
    products, variants = catalogue.get("products"), catalogue.get("product_variants")
    ended = next((each for each in products.own if each.ours == "is_active"), None) if products else None
    if products is None or variants is None or ended is None:
        return catalogue
    own = variants.of("is_active")
    value = sql.SQL("({} and {} not in (select {} from {} l where not {}))").format(
        own.value if own else sql.SQL("true"),
        product_of(variants),
        value_of(products, "id"),
        public(products.table.name + suffix),
        ended.value,
    )
    flag = Copied(ours="is_active", theirs=own.theirs if own else ended.theirs, kind="made", value=value)
    flag = replace(flag, back=own.back if own else None)
    kept = tuple(each for each in variants.copied if each is not own)
    return catalogue | {"product_variants": replace(variants, copied=(*kept, flag))}


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
