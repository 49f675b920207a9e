"""`make chaos`: kills of each kind at random, under load, and what the ledger must have at the end.

People adjust stock through core, and Stripe's messages arrive at a dashboard, each asked again until it is answered.
Meanwhile the scenes kill processes, promote replicas, fill the disk and move the clock. At the end each answered
operation is in the ledger exactly once, each accepted payment is one order, and the full proof passes. `make test` runs
only the pure part, in a few seconds.
"""
