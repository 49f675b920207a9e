"""Connections to PostgreSQL, and the embedded server.

`engine.run` executes one operation in one transaction and turns SQL errors into ours. `startup.open_database` starts
the embedded server or uses `DATABASE_URL`. `migrate.migrate` brings a database up to this release. `scratch` creates
a temporary database in which a backup is verified.

Uses: foundation.
"""
