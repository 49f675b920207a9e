"""One read for each screen of the dashboard, in one transaction.

`stock` serves Overview, Stock and Movements. `orders` serves Orders, Refunds and Alerts. `frame` is what they share.
`starting` is the list of what a real shop needs. `exports` writes whole lists as CSV or Parquet.

Uses: backups, alerts, orders, ledger, people, database, carts, foundation.
"""
