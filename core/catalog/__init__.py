"""Adds products and variants.

`file` reads the file and names every bad row. `imports` shows what the file would change, and applies all of it or
nothing. `products` adds one product, as typed on a page.

Uses: people, database, foundation.
"""
