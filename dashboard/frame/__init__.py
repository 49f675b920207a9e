"""What every page is made of.

`page` draws title, message and failures. `navigation` lists the pages. `forms`, `tables`, `columns`, `charts`,
`pager` and `drawer` are parts of pages. `words` and `selling` say things the same way everywhere. `live` refreshes,
`long_work` runs work that takes longer than a page.

Uses: door.
"""
