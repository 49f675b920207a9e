"""The Import page, and the form for one product.

`upload` imports a catalogue from a CSV file, `product` adds one product on the Stock page, `order_import` imports
orders from Stripe.

Uses: sheets, frame, door, language.
"""
