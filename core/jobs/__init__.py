"""Jobs that run by themselves.

`chores` lists them. `worker` runs them and is the only module that imports procrastinate. `round` is one run of one
job. `runs` is the record of all runs, and opens a case for each job that does not run. `killed` is a worker that is
killed, to try in the sample shop. `absence` is a worker's watch over the embedded server.

Uses: sample, storefront, views, backups, health, proof, alerts, inbox, valuation, ledger, sandbox, people, database,
stripe, foundation.
"""
