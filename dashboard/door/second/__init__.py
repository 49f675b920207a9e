"""The second step of signing in, and a person's own second factors, as plain HTML beside the sign-in form.

`routes` takes the forms, `forms` draws them, `keys` those of passkeys, and `qr` draws the code that an app reads.

Uses: language.
"""
