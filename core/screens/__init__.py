"""One read for each screen of the dashboard, in one transaction.

`stock` serves Overview, Stock and Movements, `deliveries` its page, `orders` Orders, Refunds and Alerts. `frame` is
what they share. `exports` writes lists under a filter, `files` whole lists as CSV or Parquet, which `lists` declares by
`columns`.
`starting` is the list of what a real shop needs.

Uses: replenishment, deliveries, counts, backups, alerts, orders, catalog, valuation, ledger, people, database, carts,
sheets, foundation.
"""
