"""Backups that count only after they were restored.

`routine` makes, verifies and restores backups. `manifest` describes what an archive holds. `record` lists backups for
the dashboard. `ledger_file` writes the ledger as Parquet and proves that file without a database.

Uses: proof, people, database, stripe, foundation.
"""
