"""Labels of the form that describes how a shop writes its carts."""

from __future__ import annotations

from core.carts.mapping import Layout
from core.carts.pieces import NUMBER
from dashboard.language.texts import lazy

LAYOUTS = lazy(
    {
        Layout.RECOGNISED: "Recognised automatically, without a mapping",
        Layout.LIST: "JSON list with one object, list or text for each line",
        Layout.MAP: "JSON object from code to quantity",
        Layout.PACKED: "Packed text, such as A-1:2,B-7:1",
        Layout.NUMBERED: "Numbered keys, such as product_1_id",
        Layout.PARALLEL: "One key for each field, with a value or a list of values",
        Layout.KEYS: "One key for each code, with the quantity as value",
        Layout.ORDER: "Only an order number, with the lines elsewhere",
    }
)
LABELS = lazy(
    {
        "key": "Key in the metadata",
        "path": "Path inside the JSON",
        "code": "Code",
        "more_codes": "Other codes",
        "quantity": "Quantity",
        "size": "Size",
        "name": "Name",
        "price": "Price",
        "line_separator": "Between lines",
        "field_separator": "Between fields",
        "count": "Key that says how many",
        "email": "Key of the buyer's email",
    }
)
HELP = lazy(
    {
        "key": f"The metadata key of the cart. If the cart is split over numbered keys, use {NUMBER} for the number.",
        "path": "The path of the list in the JSON, such as `order.lines`. Leave empty if the JSON is the list.",
        "more_codes": "Other codes of the same goods, separated by commas and tried in order.",
        "code": "A name, or the number of the position where fields have no names: 1 is the first, -1 the last.",
        "quantity": "Leave empty if each line is one unit.",
        "email": "A metadata key. Used for the confirmation mail if Stripe itself has no address of the buyer.",
        "count": (
            "A key with the number of lines, units or pieces. With it, a cart that may have been cut off can be read."
        ),
    }
)
