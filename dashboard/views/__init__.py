"""Saved views: the list in the side bar, and the page on which a person manages views, start page and mail.

`side` draws the side bar, `listing` the views and the start page, `mail` the mail with views.

Uses: frame, door, language.
"""
