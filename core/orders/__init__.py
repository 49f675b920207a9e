"""Orders and refunds as people see and decide them.

`reads` and `refund_reads` list them under a `filter`. `cases` retries an order, maps an unknown code, or ships the
units that are there. `refunds` records what became of refunded goods; `worth` proposes the units that the money
fits. `returns` takes in goods without a refund, and takes decisions back. `stripe_link` shows and changes the
connection to Stripe and the cart mapping.

Uses: inbox, ledger, people, database, carts, payloads, stripe, foundation.
"""
