"""The shop's own settings: name, time zone, currency, prices, and reasons for movements.

`profile` reads and changes the first three. `reasons` lists, adds, renames and retires reasons. `prices` reads the
rule by which variants are priced, and the tax.

Uses: ledger, people, database, foundation.
"""
