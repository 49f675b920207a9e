"""Whether this installation is ready, and how fast it is.

`measures` samples the process and opens a case when it slows down. `reads` serves the Settings page. `metrics` serves
`/metrics` for Prometheus.

Uses: inbox, people, database, stripe, foundation.
"""
