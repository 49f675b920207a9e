"""The sandbox: a Stripe account of Stockroom's own, which stands in for Stripe in the sample shop.

`account.StripeAccount` follows Stripe's rules; `books`, `refunds` and `payments` are its parts, `objects` the objects
in every version of the API. `store` is what it asks of a store, `stored` the store in the sample's database.
`answers` is its API and `requests` the rules for parameters and lists. `connection` decides when it stands in for
Stripe. `play` lets things happen and delivers the webhooks. `deciding` does what a person
would do at Stripe.

Uses: people, database, stripe, foundation.
"""
