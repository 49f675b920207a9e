"""The files that other programs write, known by the names of their columns, and the usual names of our fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.sheets.words import key


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A program's file. It is known if the header has all of `marks`. `columns` maps our fields to its titles.

    A title that ends in `*` stands for the first column that begins so: some programs add the name of a place.
    `location` names the column of the place. `same` are columns that only the first row of a product has; `by` is the
    column that names the product. A row whose columns all have one of the values in `skips` is no variant. `options`
    pairs the columns of an option's name and value. `parent` names the columns with a variant's parent, the parent's
    code and its name.
    """

    name: str
    marks: tuple[str, ...]
    columns: Mapping[str, str]
    location: str = ""
    by: str = ""
    same: tuple[str, ...] = ()
    skips: Mapping[str, tuple[str, ...]] | None = None
    options: tuple[tuple[str, str], ...] = ()
    parent: tuple[str, str, str] | None = None


_SHOPIFY_OPTIONS = tuple((f"Option{n} Name", f"Option{n} Value") for n in (1, 2, 3))

SOURCES = (
    Source(
        name="Shopify inventory", marks=("Handle", "Title", "SKU", "On hand (new)"),
        columns={"sku": "SKU", "product": "Title", "opening": "On hand (current)", "on_hand": "On hand (current)",
                 "set_to": "On hand (new)", "counted": "On hand (new)", "shelf": "Bin name"},
        location="Location", options=_SHOPIFY_OPTIONS,
    ),
    Source(
        name="Shopify inventory", marks=("Handle", "Title", "SKU", "HS Code", "COO", "Location", "On hand"),
        columns={"sku": "SKU", "product": "Title", "opening": "On hand", "set_to": "On hand", "counted": "On hand"},
        location="Location", options=_SHOPIFY_OPTIONS,
    ),
    Source(
        name="Shopify inventory", marks=("Handle", "Title", "Option1 Name", "SKU", "HS Code", "COO"),
        columns={"sku": "SKU", "product": "Title"}, options=_SHOPIFY_OPTIONS,
    ),
    Source(
        name="Shopify products", marks=("Handle", "Title", "Vendor", "Variant SKU", "Variant Price"),
        columns={"sku": "Variant SKU", "product": "Title", "brand": "Vendor", "barcode": "Variant Barcode",
                 "price": "Variant Price", "unit_cost": "Cost per item", "opening": "Variant Inventory Qty",
                 "set_to": "Variant Inventory Qty", "counted": "Variant Inventory Qty"},
        by="Handle", same=("Title", "Vendor", "Option1 Name", "Option2 Name", "Option3 Name"),
        skips={"Variant SKU": ("",), "Variant Price": ("",)}, options=_SHOPIFY_OPTIONS,
    ),
    Source(
        name="Shopify products", marks=("Title", "URL handle", "SKU", "Option1 name", "Price"),
        columns={"sku": "SKU", "product": "Title", "brand": "Vendor", "barcode": "Barcode", "price": "Price",
                 "unit_cost": "Cost per item", "opening": "Inventory quantity", "set_to": "Inventory quantity",
                 "counted": "Inventory quantity"},
        by="URL handle", same=("Title", "Vendor", "Option1 Name", "Option2 Name", "Option3 Name"),
        skips={"SKU": ("",), "Price": ("",)}, options=_SHOPIFY_OPTIONS,
    ),
    Source(
        name="WooCommerce products", marks=("Type", "SKU", "Name", "Stock", "Regular price", "Parent"),
        columns={"sku": "SKU", "product": "Name", "price": "Regular price", "opening": "Stock", "set_to": "Stock",
                 "counted": "Stock", "reorder_point": "Low stock amount", "brand": "Brands",
                 "barcode": "GTIN, UPC, EAN, or ISBN"},
        skips={"Type": ("variable", "grouped", "external")}, parent=("Parent", "SKU", "Name"),
        options=tuple((f"Attribute {n} name", f"Attribute {n} value(s)") for n in (1, 2, 3)),
    ),
    Source(
        name="Square items", marks=("Token", "Item Name", "Variation Name", "SKU"),
        columns={"sku": "SKU", "product": "Item Name", "size": "Variation Name", "price": "Price", "barcode": "GTIN",
                 "unit_cost": "Default Unit Cost", "opening": "Current Quantity*", "on_hand": "Current Quantity*",
                 "set_to": "New Quantity*", "counted": "New Quantity*", "reorder_point": "Stock Alert Count*"},
    ),
    Source(
        name="Vend or Lightspeed products", marks=("handle", "sku", "name", "supply_price", "retail_price"),
        columns={"sku": "sku", "product": "name", "brand": "brand_name", "price": "retail_price",
                 "unit_cost": "supply_price", "opening": "inventory_*", "set_to": "inventory_*",
                 "counted": "inventory_*", "reorder_point": "reorder_point_*", "active": "active"},
        by="handle", same=("name", "brand_name"),
        options=tuple((f"variant_option_{n}_name", f"variant_option_{n}_value") for n in ("one", "two", "three")),
    ),
    Source(
        name="Odoo products", marks=("Internal Reference", "Name", "Sales Price"),
        columns={"sku": "Internal Reference", "product": "Name", "price": "Sales Price", "unit_cost": "Cost",
                 "barcode": "Barcode", "opening": "Quantity On Hand", "set_to": "Quantity On Hand",
                 "counted": "Quantity On Hand"},
    ),
    Source(
        name="Odoo counts", marks=("Product", "Lot/Serial Number", "On Hand Quantity", "Counted Quantity"),
        columns={"sku": "Product", "on_hand": "On Hand Quantity", "set_to": "Counted Quantity",
                 "counted": "Counted Quantity"}, location="Location",
    ),
    Source(
        name="Amazon listings", marks=("item-name", "listing-id", "seller-sku", "quantity"),
        columns={"sku": "seller-sku", "product": "item-name", "price": "price", "opening": "quantity",
                 "set_to": "quantity", "counted": "quantity"},
    ),
    Source(
        name="Amazon FBA inventory", marks=("sku", "fnsku", "asin", "product-name", "afn-fulfillable-quantity"),
        columns={"sku": "sku", "product": "product-name", "price": "your-price", "opening": "mfn-fulfillable-quantity",
                 "set_to": "mfn-fulfillable-quantity", "counted": "mfn-fulfillable-quantity"},
    ),
    Source(
        name="Stockroom's stock list", marks=("sku", "product", "on_hand", "reserved", "available", "sold_30_days"),
        columns={"sku": "sku", "product": "product", "on_hand": "on_hand", "set_to": "set_to", "change": "change",
                 "opening": "", "counted": "counted"},
    ),
    Source(
        name="Stockroom's variants", marks=("variant_id", "sku", "product_id", "product", "variant_price", "is_active"),
        columns={"sku": "sku", "product": "product", "price": "variant_price", "active": "is_active",
                 "opening": ""},
    ),
)  # fmt: skip
"""Each source; the first whose marks a header has is the one."""

USUAL: Mapping[str, tuple[str, ...]] = {
    "sku": ("article number", "article no", "item number", "item no", "item code", "product code", "variant sku",
            "code", "stock code", "part number", "style number", "Artikelnummer", "Artikel-Nr", "Art-Nr", "Artikelnr",
            "ArtNr",
            "référence", "réf", "referencia", "codice articolo", "codice", "código", "artikelcode", "varenummer"),
    "product": ("product name", "name", "title", "item name", "item", "description", "Artikel", "Artikelbezeichnung",
                "Bezeichnung", "Produkt", "Produktname", "produit", "désignation", "nom", "producto", "nombre",
                "descripción", "prodotto", "descrizione", "omschrijving", "productnaam", "model"),
    "brand": ("vendor", "manufacturer", "brand name", "Marke", "Hersteller", "marque", "marca", "merk"),
    "size": ("sizes", "Größe", "Groesse", "taille", "pointure", "talla", "taglia", "maat", "EU size", "shoe size"),
    "color": ("colour", "colors", "Farbe", "couleur", "colore", "kleur"),
    "barcode": ("ean", "ean13", "ean 13", "ean code", "upc", "upc a", "gtin", "gtin13", "bar code", "isbn",
                "Strichcode", "code-barres", "código de barras", "codice a barre"),
    "price": ("retail price", "sale price", "sales price", "unit price", "rrp", "msrp", "selling price", "Preis", "VK",
              "VK-Preis", "Verkaufspreis", "prix", "prix de vente", "precio", "prezzo", "prijs", "verkoopprijs"),
    "unit_cost": ("cost", "cost price", "purchase price", "buying price", "wholesale price", "cost per item", "EK",
                  "EK-Preis", "Einkaufspreis", "prix d'achat", "coût", "coste", "costo", "inkoopprijs", "supply price"),
    "reorder_point": ("minimum", "min stock", "minimum stock", "reorder level", "low stock", "low stock threshold",
                      "Mindestbestand", "Meldebestand", "stock minimum", "stock mínimo", "scorta minima"),
    "opening": ("opening stock", "on hand", "stock", "in stock", "inventory", "quantity", "qty", "stock level",
                "quantity on hand", "Bestand", "Lagerbestand", "Menge", "Anfangsbestand", "quantité", "cantidad",
                "existencias", "quantità", "giacenza", "voorraad", "aantal", "initial stock"),
    "active": ("is active", "aktiv", "actif", "activo", "attivo", "actief", "enabled"),
}  # fmt: skip
"""Other names of the fields of a catalogue."""

TITLES = frozenset(
    {key(title) for titles in USUAL.values() for title in titles}
    | {key(name) for name in USUAL}
    | {key(title.rstrip("*")) for source in SOURCES for title in (*source.marks, *source.columns.values())}
    | {"change", "set_to", "occurred_at", "movement_type", "reason", "reference", "counted", "expected"}
) - {""}
"""Every title that is known, as `key` writes it. The header of a file has several of them."""
