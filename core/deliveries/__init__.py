"""Deliveries of goods: announced by a supplier's note or not, checked off by scanning, posted as one receipt.

`note` reads typed and pasted lines, `files` a supplier's file; `meaning` finds their variants. `changes` creates a
delivery, scans into it, corrects, attaches, posts and closes it. `reads` lists deliveries, their lines and steps, and
what Stock expects. Undo is the ledger's: an undone receipt opens its delivery again. The rules are in
`core/sql/74_deliveries`.

Uses: catalog, ledger, people, database, sheets, foundation.
"""
