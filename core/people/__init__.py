"""Accounts, sessions, roles and API keys.

`access` lists which role may do what. `guard` checks session and role, on every read and inside every operation.
`accounts` signs people in and out, `identity` at the shop's own provider; `factors` are second ones. `administration`
manages other people's accounts, `api_keys` those of programs, and `audit` reads the record of changes.

Uses: database, foundation.
"""
