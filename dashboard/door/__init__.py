"""What stands between the network and the pages.

`gate` refuses every HTTP request and websocket without a session. `signin` serves the sign-in pages as plain HTML.
`session` says who is signed in and runs operations as that person. `webhook` receives Stripe's messages, `health`
serves `/healthz`, `/readyz` and `/metrics`.

Uses: nothing of ours.
"""
