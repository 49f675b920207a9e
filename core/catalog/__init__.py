"""Adds products and variants.

`file` reads the file and names every bad row. `imports` shows what the file would change, and applies all of it or
nothing. `products` adds one product, as typed on a page, with the sizes that `size_runs` reads. `editing` changes
variants a field at a time, `pictures` keeps what people upload of them.
`codes` finds variants by their codes and gives them more. `labels` says what is on a label, `label_sheets` prints it as
a PDF and `label_zpl` for label printers.

Uses: people, database, sheets, foundation.
"""
