"""What stock is worth: the moving average cost of each variant, and the money of every movement.

`costs` sets and lists unit costs. `values` reads the value of the shelf now and at any moment, and money by month, day,
brand and product. `month` makes the accountant's file of a month, `month_file` writes and verifies it. The rules are in
`core/sql/22_valuation`.

Uses: ledger, people, database, foundation.
"""
