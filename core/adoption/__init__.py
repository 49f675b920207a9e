"""Moves a shop in with the database it already has, and back out.

`adopt` plans, moves and undoes. The plan is made from PostgreSQL's own catalogue before anything changes, and every
step records the statement that reverses it.

Uses: database, foundation.
"""
