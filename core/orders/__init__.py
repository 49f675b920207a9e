"""Orders and refunds as people see and decide them.

`reads` and `refund_reads` list them under a `filter`. `cases` retries an order or ships the units that are there.
`readings` chooses one of several readings of a cart. `lines` enters and corrects the lines of an order by hand;
`guesses` proposes some. `meanings` says what the code of a cart means, and `nearest` offers what it could mean.
`refunds` records what became of refunded goods; `worth` proposes the units that the money fits. `returns` takes in
goods without a refund, and takes decisions back. `stripe_link` shows and changes the connection to Stripe and the cart
mapping.

Uses: inbox, catalog, ledger, people, database, carts, payloads, stripe, foundation.
"""
