"""The HTTP endpoints beside Streamlit, and the session behind the pages.

`gate` rejects every HTTP request and websocket without a session. `signin` and `signin_page` serve the sign-in pages as
plain HTML, `post` reads their forms. `session` says who is signed in and runs operations as that person. `webhook`
receives Stripe's messages and `intake` stores them. `health` serves `/healthz`, `/readyz` and `/metrics`.
`downloads` serves whole lists as files, `pictures` those of variants. `shell` is the page in which Streamlit draws.
`news` looks for what concerns open tabs, and `tabs` runs a part of one: our only door into Streamlit's own machinery.

Uses: language.
"""
