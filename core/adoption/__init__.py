"""Adopts the database of an existing shop, and can undo that.

`adopt` checks, adopts and undoes. `plan` is made from PostgreSQL's own catalogue before anything changes. `move`
carries it out, and every step records the statement that reverses it. `prices` finds what may change a price.

Uses: shop, database, foundation.
"""
