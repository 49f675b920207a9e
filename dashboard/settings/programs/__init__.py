"""Settings of what Stockroom tells programs: `webhooks` are their endpoints and deliveries."""
