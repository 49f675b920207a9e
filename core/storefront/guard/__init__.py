"""The Stripe guard: what sells units that are out is closed at Stripe, and opened again when they are back.

`setting` is how it is set, and its record; `keeping` what it has in the database; `reading` what Stripe sells and what
is there; `working` is the job.
"""
