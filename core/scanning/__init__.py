"""The scan station: what one scan means and does.

`taking` takes a scan in one of five modes: look up, adjust, receive, count, undo. `choices` reads what its page offers.

Uses: deliveries, counts, ledger, people, database, foundation.
"""
