"""The command line: `python -m core COMMAND`.

Each module adds the parsers of one subject and prints what the operation returned. Nothing imports this package but
`core/__main__.py`.

Uses: jobs, storefront, backups, health, proof, inbox, adoption, sample, catalog, shop, ledger, people, database,
stripe, foundation.
"""
