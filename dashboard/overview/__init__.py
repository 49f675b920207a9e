"""The Overview page.

`parts` draws its numbers, its chart, what needs attention and the newest movements.

Uses: frame.
"""
