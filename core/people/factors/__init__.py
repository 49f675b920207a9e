"""Second factors: what a person needs beside a password or link.

`totp` checks the codes of authenticator apps, `recovery` makes the codes for a lost phone, `passkeys` checks those,
`steps` finishes a sign-in, `own` manages a person's own factors, and `rules` those of others and the roles that need
one. A person who lacks a step has a `half` session (core/sql/10_people/2_missing_step.sql), which can do nothing else.

Uses: nothing of ours.
"""
