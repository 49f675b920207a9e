"""The Deliveries page: what suppliers announced, checked off by scanning, and posted as one receipt.

`listing` shows many deliveries and `making` records a new one. `view` shows one, with its `scanning`, `lines`,
`unknown` codes and `posting`.

Uses: sheets, frame, door, language.
"""
