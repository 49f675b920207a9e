"""Reports: what the ledger says about a period, as tables that a page shows, a file holds and a mail carries.

`menu` lists them and runs one. `model` is what a report is made of, `periods` the days that it is about, `choosing` the
variants and how they are summed. `files` writes a table. Each of the others holds the reports of one subject.

Uses: replenishment, catalog, valuation, ledger, people, database, sheets, foundation.
"""
