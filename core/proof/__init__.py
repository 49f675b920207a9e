"""Verifies that ledger, sales and installation agree. Reports faults; never repairs them.

`checks` runs R1, R2 and so on. `runs` compares with Stripe and records a run. `reads` shows runs, `shelf` shows payment
to shelf by day, `words` names checks and faults, and `notice` sends the head hash of the ledger to the destinations.

Uses: alerts, ledger, people, database, carts, stripe, foundation.
"""
