"""The Orders page: the list, one order, and refunds that wait for a decision.

`listing` and `tables` show many orders, `view` shows one, `refunds` asks what became of refunded goods.

Uses: alerts, stock, frame, door.
"""
