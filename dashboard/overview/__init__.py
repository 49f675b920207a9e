"""The Overview page.

`parts` draws its numbers, its chart, what needs attention and the latest movements.

Uses: alerts, frame.
"""
