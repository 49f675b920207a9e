"""The Orders page: the list, one order, and refunds that wait for a decision.

`listing` and `tables` show many orders, `view` shows one, `refunds` records what happened to refunded goods,
`returns` what came back without a refund, and `decisions` shows both with Undo. `notice` says that Stripe is not
connected.

Uses: alerts, stock, frame, door, language.
"""
