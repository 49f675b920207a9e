"""The Import page.

`upload` imports a catalogue from a CSV file, `order_import` imports orders from Stripe.

Uses: frame, door.
"""
