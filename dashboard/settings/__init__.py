"""The Settings page, one module a section. `pages/settings.py` chooses which of them is shown.

Uses: frame, door, language.
"""
