"""Stock levels and the movements behind them. Stock changes only here.

`changes` adjusts, receives, sets and undoes. `holds` reserves units for a checkout, `given_up` names the holds that a
count ended. `bulk` and `history` post many rows from a file. `movements`, `reports` and `size_grid` read, with filters
made of the parts in `query`. The rules are in `core/sql/20_ledger`.

Uses: people, database, sheets, foundation.
"""
