"""The sample shop: a small sneaker store with ninety days of sales, and customers who go on buying.

`load.load_sample` fills an empty database. `load.fill_untouched` does so at start-up if the embedded database is new.
`trade` tells its past as steps (`story`), with `sales`, their `shoppers` and `troubles`. `play` plays them forward from
where it stopped, those at Stripe on a `stage`. `today` is the job of the worker: it plays, then sells.
`removal` replaces the sample with an empty shop. `trying` makes things go wrong, to try out what follows.

Uses: storefront, backups, alerts, inbox, catalog, ledger, sandbox, people, database, payloads, stripe, foundation.
"""
