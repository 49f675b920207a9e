"""Messages from Stripe: stored first, applied later.

`messages` stores and claims them. `polling` and `range_import` ask Stripe for what the webhook missed. `cart`
collects what a message needs before it can be applied, without holding a lock: `sources` and `items` are where its
cart may be, and `judging` chooses the reading that is right. `applying` turns a batch into orders, refunds and cases
in one transaction.

Uses: ledger, people, database, carts, payloads, stripe, foundation.
"""
