"""The Alerts page, and the forms of a case, which the order page shows too.

`listing` shows the lists, with the filters of `filters` and the rows of `tables`, and one case. `steps` names the next
step of a case. `case_forms` finishes the case of an order, `handling` any case, `several` many at once. `readings`
chooses how the cart of an order is read, `lines` enters its lines, whose rows wait in `desks`. `ageing` shows how long
cases take. `runbook` shows the paragraph of the runbook that explains a case.

Uses: settings, frame, door, language.
"""
