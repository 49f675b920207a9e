"""What belongs to one person: views with a name, the page on which they begin, and the mail with their views.

`saved` keeps views and start pages, `pages` reads and writes the query string of a view. `sections` turns a view into
numbers, rows and a chart, with `flows` for Movements and `levels` for Stock. `pictures` draws a chart, `letters` makes
the mail, `schedule` says when it comes, and `mailing` sends it.

Uses: reports, alerts, inbox, ledger, people, database, carts, stripe, foundation.
"""
