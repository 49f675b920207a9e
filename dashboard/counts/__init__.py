"""The Counts page: sessions, counting with a scanner, the review, results, what to count next, and the past.

`view` shows one session in its state: `counting`, `reviewing` with `deciding`, or `result`. `making` begins one.

Uses: sheets, frame, door, language.
"""
