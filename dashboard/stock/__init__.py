"""The Stock page: the list of variants, the size grid, one variant, and changes from a CSV file.

`listing` and `grid` show many variants. `variant` shows one, with its `level_forms` and `holds`. `bulk` changes many
levels from a file.

Uses: catalog, sheets, frame, door.
"""
