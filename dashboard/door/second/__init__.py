"""The second step of signing in, and a person's own second factors, as plain HTML beside the sign-in form.

`routes` takes the forms, `forms` draws them, `keys` those of passkeys, and `qr` draws the code that an app reads.
`provider` signs people in at the shop's own identity provider.

Uses: language.
"""
