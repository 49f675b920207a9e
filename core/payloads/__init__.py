"""Reads Stripe's JSON, of any API version since 2014, without calling Stripe.

`reading.read_event` and `reading.read_object` return a payment, a refund, a dispute, or a reason why the object is
ignored. They raise `Unreadable` for a payment, refund or dispute that they do not understand.

Uses: foundation.
"""
