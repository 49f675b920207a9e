"""The shop's own settings: name, time zone, currency, and reasons for movements.

`profile` reads and changes the first three. `reasons` lists, adds, renames and retires reasons.

Uses: ledger, people, database, foundation.
"""
