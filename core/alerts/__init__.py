"""Cases that need a person, and the messages about them.

`reads` lists cases. `handling` acknowledges, snoozes, assigns and resolves them. `system` opens a case for trouble
outside an order. `deliveries` sends cases to the configured destinations through `notifier`, the only module that
imports Apprise.

Uses: orders, inbox, ledger, people, database, carts, stripe, foundation.
"""
