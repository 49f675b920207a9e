"""The Stock page: the list of variants, the size grid, one variant, and changes from a CSV file.

`listing` and `grid` show many variants, and `table_edit` edits them. `variant` shows one, with its `level_forms`,
`details` and `holds`; `editing` is the form that changes it. `bulk` changes many levels from a file.
`codes` shows the codes of a variant, `terms` how it is ordered, `labels` prints labels.

Uses: sheets, frame, door, language.
"""
