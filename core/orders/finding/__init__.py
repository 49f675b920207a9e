"""Finding an order by anything that a person knows of it.

`reading` says what a typed or pasted text can mean, `matching` asks the database for the orders of each meaning.
"""
