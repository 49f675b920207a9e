"""What a storefront asks: is this cart for sale, hold it, pay for it, make the order.

`api` is the HTTP API and the only module that imports FastAPI. `checkout` prices and holds a cart and creates its
payment. `paid_orders` returns the order of a payment. `api_check` and `flow_check` test a running installation.

Uses: alerts, orders, inbox, catalog, ledger, people, database, carts, stripe, foundation.
"""
