"""The Alerts page, and the forms of a case, which the order page shows too.

`listing` shows the list and one case. `case_forms` finishes the case of an order, `handling` any case, `several` many
at once. `readings` chooses how the cart of an order is read, `lines` enters its lines, whose rows wait in `desks`.
`runbook` shows the paragraph of the runbook that explains a case.

Uses: settings, frame, door.
"""
