"""The sample shop: a small sneaker store with ninety days of movements.

`load.load_sample` fills an empty database. `load.fill_untouched` does so at start-up if the embedded database is new.
`removal` replaces the sample with an empty shop. `trying` makes things go wrong, to try out what follows.

Uses: storefront, catalog, ledger, sandbox, people, database, stripe, foundation.
"""
