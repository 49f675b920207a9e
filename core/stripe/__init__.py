"""The only package that imports the `stripe` library.

`gateway` builds a client from the settings, asks for events, payments and refunds, creates PaymentIntents and
verifies signatures. `reader` turns the library's answers into our types. `trouble` turns its exceptions into our
errors.

Uses: foundation.
"""
