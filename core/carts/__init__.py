"""Reads the cart that a shop wrote into a payment's metadata, and writes one for payments we create.

`possible.readings` reads a whole cart in every possible way or raises `UnreadableCart`; it never returns half of one.
`reading.read_cart` gives one of these readings. `mapping` is the layout that an admin describes for carts that are not
recognised. `written.write_cart` writes a cart that `read_cart` reads.

Uses: foundation.
"""
