"""The Movements page.

`listing` draws its filters, table and export, `chart` the chart and the sums above the list.

Uses: frame, door, language.
"""
