"""The upload of a file: what was noticed, which column is which with three rows, and what only a person knows.

`asking` draws it for any page and returns the matched file once nothing is left to ask. Choices are remembered for
files of the same shape.

Uses: frame, door, language.
"""
