"""The only package that imports the `stripe` library.

`gateway` builds a client from the settings, asks for events, payments and refunds, creates PaymentIntents and
verifies signatures. `reader` lists the questions that can be asked. `trouble` turns errors of Stripe into ours.

Uses: foundation.
"""
