"""The reader's language and format: texts from a catalogue, numbers and days as the reader writes them.

`reader` knows who reads. `texts` translates, `formats` writes numbers, money and days, `widgets` draws choices whose
labels are translated while the address stays the same in every language. `said` translates sentences that come from
core. The catalogues are in dashboard/catalogues; docs/languages.md says how to add a text or a language.

Uses: nothing of ours.
"""
