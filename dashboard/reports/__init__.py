"""The Reports page.

`menu` lists the reports and shows the one that the address names. `desk` shows any report of core: its filters, chart,
totals, table, link and export. `drawing` makes its chart, and `cells` its table. A report that needs a page of another
shape has a module of its own.

Uses: stock, frame, door, language.
"""
