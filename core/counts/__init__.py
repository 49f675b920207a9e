"""Count sessions: several people count shelves while the shop goes on selling.

`sessions` begins them and moves them from state to state, `entering` takes what people count, `review` compares it with
the ledger at the counted second, `applying` posts all of it as one operation and undoes it as one, `plan` says what to
count next, `past` how accurate counting was, and `printing` writes the sheet. The rules are in `core/sql/72_counts`.

Uses: catalog, ledger, people, database, sheets, foundation.
"""
