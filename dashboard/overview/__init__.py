"""The Overview page.

`parts` draws its numbers, its chart, what needs attention and the latest movements. `trying` draws the
things to try in the sample shop.

Uses: alerts, frame, door, language.
"""
