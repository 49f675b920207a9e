"""Starting one's own shop: the page behind the button of the sample's banner.

`ways` offers the four ways to begin. `removing` removes the sample data, after a backup and on a second demand.
`checklist` shows what a real shop still needs, also as a line on Overview.

Uses: catalog, frame, door, language.
"""
