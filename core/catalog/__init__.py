"""Products and variants from a CSV file.

`file` reads the file and names every bad row. `imports` shows what the file would change, and applies all of it or
nothing.

Uses: people, database, foundation.
"""
