"""Backups that count only after they were restored.

`routine` creates, verifies and restores backups. `restoring` restores an archive, wherever to. `archive` runs
PostgreSQL's programs. `contents` and `manifest` describe what a backup holds, `others` what it leaves out. `hanging`
takes down what hangs on our tables and puts it up again. `record` lists backups for the dashboard. `ledger_file`
writes the ledger as Parquet and verifies that file without a database.

Uses: proof, adoption, people, database, stripe, foundation.
"""
