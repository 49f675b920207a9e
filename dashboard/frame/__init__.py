"""The parts that every page is made of.

`page` draws title, message and errors. `navigation` lists the pages, `links` leads from one to another. `lists` has
the filters, count and paging of a list, `columns` and `tables` its table. `forms`, `charts` and `drawer` are other
parts of pages. `feedback` and `outcome` show the result of an action. `words` and `selling` hold labels and write
numbers. `live` refreshes a page, `long_work` runs what takes longer than drawing one.

Uses: door, language.
"""
