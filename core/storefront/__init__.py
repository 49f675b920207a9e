"""What a storefront needs: check a cart, hold it, pay for it, create the order.

`api` is the HTTP API and the only module that imports FastAPI; `doors` checks its keys and limits, `models` its bodies;
`answers` makes them. `levels` reads what a storefront shows as left.
`checkout` prices and holds a cart and creates its payment; `changes` changes a begun one; `payments` and `purchases`
are what both know of payments and carts. `paid_orders` returns the order of a payment and queues its
confirmation mail. `hooks` are signed webhooks to programs, `guard` is the Stripe guard. `api_check` and `flow_check`
test a running installation.

Uses: alerts, orders, inbox, catalog, ledger, people, database, carts, stripe, foundation.
"""
