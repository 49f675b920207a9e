"""Cases that need a person, and the messages about them.

`reads` reads cases, `lists` groups them by order and product. `handling` acknowledges, snoozes, assigns and resolves
them. `system` opens cases about the installation itself. `deliveries` sends cases to the configured destinations
through `notifier`, the only module that imports Apprise, and `ageing` once more those that waited too long.

Uses: orders, inbox, ledger, people, database, carts, stripe, foundation.
"""
