"""What belongs to one person: views with a name, the page on which they begin, and the mail with their views.

`saved` keeps views and start pages, `pages` reads and writes the query string of a view. `sections` is a view as
numbers, rows and a chart: `levels` reads Stock, `warehouse` Counts and Deliveries, `flows` Movements, `tables` Reports,
and `sales` Orders and Alerts. `pictures` draws a chart, `letters` makes the mail, `schedule` says when it comes, and
`mailing` sends it.

Uses: reports, deliveries, counts, alerts, orders, inbox, ledger, people, database, carts, stripe, foundation.
"""
