"""The Reconciliation page.

`headline` runs the proof, `checks` shows its results, `runs` its history, and `shelf` with `shelf_list` the payment-
to-shelf proof by day.

Uses: alerts, settings, frame, door.
"""
