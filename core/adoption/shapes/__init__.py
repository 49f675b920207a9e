"""Recognises the tables and columns of shops that use other names than ours, and proposes how to map them.

Without `--map`, only what is unmistakable is used: names that are ours; a table that refers to the products and has a
level and a size or SKU, if it is the only one; the old table `sneakers`; and, where no table of variants exists,
`stock_quantity`, `available_stock` or `stock` of the products. Every other guess is proposed and needs `--map`.

`words` is what `--map` says, `tables` finds the tables, `reading` matches words with columns, `evidence` asks the
content, and `proposal` puts it together.
"""
