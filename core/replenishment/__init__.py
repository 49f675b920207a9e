"""What to order: demand over lead time and cover, less what is there and what comes, in packs.

`terms` holds supplier, lead time, pack size and cover of variants, brands and the shop. `suggestions` computes what to
order, with every term. `orders` writes the list for a supplier and announces it as a delivery. The rules are in
`core/sql/77_replenishment`.

Uses: deliveries, people, database, sheets, foundation.
"""
