"""The names that shops use for a cart and its parts, in the form of `plain`. New names are added here."""

from __future__ import annotations

import re
from functools import lru_cache


@lru_cache(maxsize=4096)  # every cart of a shop has the same few names, and each is looked up fifty times
def plain(name: str) -> str:
    """Return a name in lower case, letters and digits only: the same for `variant_id`, `variantId` and `Variant-ID`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# ---------------------------------------------------------------- keys of metadata

CART_NAMES = frozenset(
    _words(
        """cart items cartitems cartdata cartlines cartproducts cartcontents cartjson cartsnapshot cartitemssnapshot
        cartitemsjson shoppingcart basket basketitems bag bagitems lineitems lines orderitems orderlines orderproducts
        productitems products productlist itemsjson itemlist checkoutitems purchaseditems solditems itemscompact
        cartcompact compactcart compactitems"""
    )
)
"""Names that only carts have."""

WRAPPER_NAMES = frozenset(
    _words(
        """order orderdata orderdetails orderinfo orderjson ordersummary ordersnapshot checkout checkoutdata purchase
        purchasedata payload data snapshot"""
    )
)
"""Names of values that may contain a cart among other things."""

LINE_NAMES = _words(
    """lineitems lineitem cartitems cartitem orderitems orderitem products product variants variant items item lines
    line p i"""
)
"""Names of numbered entries that are one line each, the longer names first."""

COUNT_NAMES = frozenset(
    _words(
        """itemcount itemscount cartcount cartitemcount cartitemscount linecount linescount numitems numberofitems
        totalitems totalquantity totalqty totalunits productcount productscount numproducts cartsize skucount
        itemsquantity itemsqty quantitytotal qtytotal unitcount unitscount unitstotal totallines numlines lineitemcount
        lineitemscount cartquantity cartqty"""
    )
)
"""Names of counts of a cart's lines or units."""

UNIT_COUNTS = frozenset(
    _words(
        """totalquantity totalqty totalunits itemsquantity itemsqty quantitytotal qtytotal unitcount unitscount
        unitstotal cartquantity cartqty quantity qty units"""
    )
)
"""Names of counts of units only."""

LINE_COUNTS = frozenset(_words("linecount linescount lineitemcount lineitemscount totallines numlines skucount"))
"""Names of counts of lines only."""

REFERENCE_NAMES = _words(
    """orderid orderuuid ordernumber orderno ordernr orderref orderreference ordercode ordertoken orderguid wcorderid
    solidusordernumber spreeordernumber saleororderid vendureordercode lunarorderid merchantorderid internalorderid
    externalorderid purchaseorderid spreeorderid reference order cartid basketid checkoutid saleortransactionid
    saleorcheckoutid resourceid sessionid"""
)
"""Names of an order's number, then of ids that lead to an order; the best first."""

REFERENCE_ENDS = _words("orderid orderuuid ordernumber orderno ordernr orderref orderreference orderkey")
"""Ends of names of an order's number, after the name of a platform or of a plugin."""

NO_GOODS = frozenset(
    _words(
        """total subtotal grandtotal count currency tax taxes shipping discount coupon amount price note version
        updatedat createdat timestamp"""
    )
)
"""Keys of a map from code to quantity that are not codes."""

SHIPPING_NAMES = _words("shippingcost shippingamount shippingprice shippingfee shippingtotal shipping deliveryfee")
TAX_NAMES = _words("taxamount taxtotal totaltax taxprice tax vat")
DISCOUNT_NAMES = _words("discountamount discounttotal totaldiscount discount")
TOTAL_NAMES = _words("subtotal total totalprice totalamount amount")

# ---------------------------------------------------------------- fields of a line

VARIANT_NAMES = _words("sku variantsku vid variantid productvariantid variant v priceid price")
"""SKUs first, then ids of variants, then those of Stripe's prices."""

PRODUCT_NAMES = _words("productitemid productid product pid itemid listingid id i")
CODE_NAMES = (*VARIANT_NAMES, *PRODUCT_NAMES, "s")
QUANTITY_NAMES = _words("quantity qty q num count units")
SIZE_NAMES = _words("size selectedsize variantsize sz s")
TITLE_NAMES = _words("name title productname n")
PRICE_NAMES = _words("price unitprice unitamount p")
FIELD_NAMES = frozenset((*CODE_NAMES, *QUANTITY_NAMES, *SIZE_NAMES, *TITLE_NAMES, *PRICE_NAMES))

SINGLE_CODES = _words("sku variantsku variantid vid productvariantid priceid productid productitemid listingid")
"""Names of codes that are clear enough on their own in metadata."""

PLURALS = {f"{name}s": name for name in SINGLE_CODES} | {
    "itemids": "itemid", "quantities": "quantity", "qtys": "quantity", "sizes": "size", "prices": "price",
}  # fmt: skip
"""Names of lists with one value a line, and the field that they list."""
