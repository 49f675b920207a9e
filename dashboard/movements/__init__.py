"""The Movements page.

`listing` draws its filters, chart, table and export.

Uses: frame, door.
"""
