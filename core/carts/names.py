"""The names shops give to a cart and its parts, as `plain` writes them: one place to add what is met in the wild."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)  # a shop writes the same few names in every cart, and each is asked for fifty times
def plain(name: str) -> str:
    """A name without its spelling: `variant_id`, `variantId` and `Variant-ID` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# ---------------------------------------------------------------- keys of metadata

CART_NAMES = frozenset(
    _words(
        """cart items cartitems cartdata cartlines cartproducts cartcontents cartjson cartsnapshot cartitemssnapshot
        cartitemsjson shoppingcart basket basketitems bag bagitems lineitems lines orderitems orderlines orderproducts
        productitems products productlist itemsjson itemlist checkoutitems purchaseditems solditems"""
    )
)
"""What names a cart for certain."""

WRAPPER_NAMES = frozenset(
    _words(
        """order orderdata orderdetails orderinfo orderjson ordersummary ordersnapshot checkout checkoutdata purchase
        purchasedata payload data snapshot"""
    )
)
"""What may hold a cart among other things."""

LINE_NAMES = _words("lineitem cartitem orderitem product variant item line p i")
"""What a numbered entry of a single line is called, the longer names first."""

COUNT_NAMES = frozenset(
    _words(
        """itemcount itemscount cartcount cartitemcount cartitemscount linecount linescount numitems numberofitems
        totalitems totalquantity totalqty totalunits productcount productscount numproducts cartsize skucount"""
    )
)
"""What counts the lines of a cart, or its units."""

REFERENCE_NAMES = _words(
    """orderid orderuuid ordernumber orderno ordernr orderref orderreference ordercode ordertoken orderguid wcorderid
    solidusordernumber spreeordernumber saleororderid vendureordercode lunarorderid merchantorderid internalorderid
    externalorderid purchaseorderid reference order cartid basketid checkoutid saleortransactionid saleorcheckoutid
    resourceid sessionid"""
)
"""An order's own number, then what only leads to it; the best first."""

NO_GOODS = frozenset(
    _words(
        """total subtotal grandtotal count currency tax taxes shipping discount coupon amount price note version
        updatedat createdat timestamp"""
    )
)
"""Entries beside the products of a map that are none."""

SHIPPING_NAMES = _words("shippingcost shippingamount shippingprice shippingfee shippingtotal shipping deliveryfee")
TAX_NAMES = _words("taxamount taxtotal totaltax taxprice tax vat")
DISCOUNT_NAMES = _words("discountamount discounttotal totaldiscount discount")
TOTAL_NAMES = _words("subtotal total totalprice totalamount amount")

# ---------------------------------------------------------------- fields of a line

VARIANT_NAMES = _words("sku variantsku vid variantid productvariantid variant v priceid price")
"""A SKU names a variant by what is printed on it; then ids of variants, then those of Stripe's prices."""

PRODUCT_NAMES = _words("productitemid productid product pid itemid id i")
CODE_NAMES = (*VARIANT_NAMES, *PRODUCT_NAMES, "s")
QUANTITY_NAMES = _words("quantity qty q num count units")
SIZE_NAMES = _words("size selectedsize variantsize sz s")
TITLE_NAMES = _words("name title productname n")
PRICE_NAMES = _words("price unitprice unitamount p")
FIELD_NAMES = frozenset((*CODE_NAMES, *QUANTITY_NAMES, *SIZE_NAMES, *TITLE_NAMES, *PRICE_NAMES))

SINGLE_CODES = _words("sku variantsku variantid vid productvariantid priceid productid productitemid")
"""Codes that are clear enough to stand in metadata alone."""

PLURALS = {f"{name}s": name for name in SINGLE_CODES} | {
    "itemids": "itemid", "quantities": "quantity", "qtys": "quantity", "sizes": "size", "prices": "price",
}  # fmt: skip
"""Lists of fields, one value a line."""
