"""Ten million movements with a million orders: filled set-based, and what a proof and a search cost there."""
