"""What stock is worth: the moving average cost of each variant, and the money of every movement.

`costs` sets and lists unit costs. `values` reads the value of the shelf now and at any moment, and money by month, day,
brand and product. `month` reads a month for the accountant, `month_file` writes and reads its file, `month_check`
proves it. The rules are in `core/sql/20_ledger/1_costs.sql` and `core/sql/22_valuation`.

Uses: ledger, people, database, sheets, foundation.
"""
