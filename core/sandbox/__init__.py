"""The sandbox: a Stripe account of Stockroom's own, which the sample shop sells through.

`account.StripeAccount` follows Stripe's rules; `books`, `refunds` and `payments` are its parts, `objects` the objects
in every version of the API. `store` keeps them.

Uses: stripe.
"""
