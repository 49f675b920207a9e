"""Settings of what Stockroom tells programs, and changes at Stripe: `webhooks` and the Stripe `guard`."""
