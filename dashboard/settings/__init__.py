"""The Settings page, one module a section.

`sections` chooses which of them is shown.

Uses: frame, door.
"""
