"""Backups that count only after they were restored.

`routine` creates, verifies and restores backups. `archive` runs PostgreSQL's programs. `contents` and `manifest`
describe what a backup holds. `record` lists backups for the dashboard. `ledger_file` writes the ledger as Parquet and
verifies that file without a database.

Uses: proof, adoption, people, database, stripe, foundation.
"""
