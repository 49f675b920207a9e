"""What every other package uses and what uses none of them.

Types that cross a boundary (`model`, `sales`), the error tree (`errors`), settings from the environment (`settings`,
`addresses`), the log (`journal`), timings (`measure`), paging by key (`paging`), and checks of text and files from
outside (`text`, `barcodes`, `cells`, `csv_file`).

Uses: nothing of ours.
"""
