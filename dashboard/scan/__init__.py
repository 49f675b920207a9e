"""The scan station at `/scan`: a plain page beside Streamlit, because a scan must outlive a lost connection.

The page keeps its scans in the browser and sends them in order until they are answered. `routes` serves the page and
takes the scans, `messages` reads and writes their JSON, `shell` serves the files in `files`, which need no build.
`entrance` is the way from the side bar to it.

Uses: door, language.
"""
