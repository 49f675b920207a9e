"""The Reconciliation page.

`headline` starts a proof and shows its progress, `checks` shows the results, `runs` the history. `shelf` and
`shelf_list` show the payment-to-shelf proof by day.

Uses: alerts, settings, frame, door, language.
"""
