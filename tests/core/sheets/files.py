"""Files as people have them: the same few rows as a spreadsheet, a shop program or an old till writes them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter

HEADER = ("sku", "product", "price", "opening")
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OASIS = "urn:oasis:names:tc:opendocument:xmlns"
DE_THOUSANDS = b"sku;product;price;opening\nA-1;Schraube M4;0,12;1.000\n"
SEVEN = {
    "sep-line.csv": b"sep=;\nsku;product;price;opening\nA-1;Schraube M4;0,12;10\n",
    "title-row.csv": b"Bestand vom 29.11.2026\n\nsku,product,opening\nA-1,Chair,3\n",
    "trailing-comma-column.csv": b"sku,product,opening,\nA-1,Chair,3,\nA-2,Table,4,\n,,,\n,,,\n",
    "de-thousands-semicolon.csv": DE_THOUSANDS,
    "cp1252.csv": b"sku,product,opening\nA-1,Chair,3\nA-2,Table \x80 lamp,4\n",
    "utf16.csv": "sku\tproduct\topening\nA-1\tStühle\t3\n".encode("utf-16"),
    "formulas.csv": b'SKU,Product,Opening\n=1+1,"=HYPERLINK(""http://127.0.0.1/x"",""y"")",3\n'
    b"-5,Minus five,2\n@SUM,At,1\n+49,Plus,1\n",
}
"""Copies of the files in ../shared/data/files."""


def xlsx(rows: Iterable[Sequence[Any]], *others: Iterable[Sequence[Any]], first_row: int = 0) -> bytes:
    """Return a workbook with these rows on its first sheet and `others` on further ones; dates are date cells."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    day = book.add_format({"num_format": "dd-mmm"})
    for number, each in enumerate((rows, *others), start=1):
        sheet = book.add_worksheet(f"Sheet{number}")
        for place, row in enumerate(each, start=first_row):
            for column, value in enumerate(row):
                if isinstance(value, date | datetime):
                    sheet.write_datetime(place, column, value, day)
                elif isinstance(value, str):
                    sheet.write_string(place, column, value)
                elif value is not None:
                    sheet.write(place, column, value)
    book.close()
    return file.getvalue()


def program_xlsx(*cells: str, below: str = "", prefix: str = "", calculates: bool = False) -> bytes:
    """Return a workbook as a program writes it that does not calculate: a header and a chair, then these cells."""
    text = '<c r="{}" t="inlineStr"><is><t>{}</t></is></c>'
    titles = "".join(text.format(f"{at}1", title) for at, title in zip("ABCD", HEADER, strict=True))
    chair = text.format("A2", "A-1") + text.format("B2", "Chair") + "".join(cells)
    rows = f'<row r="1">{titles}</row><row r="2">{chair}</row>{below}'
    sheet = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    calculation = '<calcPr calcId="1" fullCalcOnLoad="1"/>' if calculates else ""
    if prefix:
        sheet = re.sub(r"<(/?)(?=\w)", rf"<\1{prefix}", sheet).replace("xmlns=", "xmlns:x=", 1)
    named = '<sheet name="A &amp; B" sheetId="1" r:id="rId7"/>'
    link = f'<Relationship Type="{OFFICE}/worksheet" Target="/xl/worksheets/one.xml" Id="rId7"/>'
    book = f'<Relationship Type="{OFFICE}/officeDocument" Target="xl/workbook.xml" Id="rId1"/>'
    return packed({
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{book}</Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{OFFICE}"><sheets>{named}</sheets>{calculation}</workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{link}</Relationships>',
        "xl/worksheets/one.xml": sheet,
    })  # fmt: skip


def ods(opening: str) -> bytes:
    """Return an ODS file with a header and a chair; `opening` are the attributes of its last cell."""
    text = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = "".join(map(text.format, ("sku", "product", "opening")))
    chair = "".join(map(text.format, ("A-1", "Chair"))) + f"<table:table-cell {opening}/>"
    names = " ".join(f'xmlns:{each}="{OASIS}:{each}:1.0"' for each in ("office", "table", "text"))
    table = f"<table:table-row>{rows}</table:table-row><table:table-row>{chair}</table:table-row>"
    body = f'<office:spreadsheet><table:table table:name="One">{table}</table:table></office:spreadsheet>'
    return packed({
        "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
        "META-INF/manifest.xml": f'<manifest:manifest xmlns:manifest="{OASIS}:manifest:1.0"/>',
        "content.xml": f"<office:document-content {names}><office:body>{body}</office:body></office:document-content>",
    })  # fmt: skip


def packed(parts: dict[str, str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


EXPORTS = {
    "Shopify inventory": (
        "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,Option3 Value,SKU,HS Code,COO,"
        "Location,Bin name,Incoming (not editable),Unavailable (not editable),Committed (not editable),"
        "Available (not editable),On hand (current),On hand (new)\n"
        "alm-boot,Alm Boot,Size,41,Color,Moss,,,AB-41,,,Main,,0,0,1,6,7,9\n"
    ),
    "Shopify products": (
        "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,"
        "Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,"
        "Variant Inventory Qty,Variant Inventory Policy,Variant Fulfillment Service,Variant Price,"
        "Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Variant Barcode,Image Src,Image Position,"
        "Image Alt Text,Gift Card,Cost per item,Status\n"
        "alm-boot,Alm Boot,<p>Warm</p>,Alm,,Shoes,,TRUE,Size,41,,,,,AB-41,900,shopify,7,deny,manual,129.90,,TRUE,TRUE,"
        "'4006381333931,,,,FALSE,61,active\n"
        "alm-boot,,,,,,,,,42,,,,,AB-42,900,shopify,5,deny,manual,129.90,,TRUE,TRUE,,,,,,61,\n"
        "alm-boot,,,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/2.jpg,2,,,,\n"
    ),
    "WooCommerce products": (
        'ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,Is featured?,In stock?,Stock,Low stock amount,Sale price,'
        "Regular price,Categories,Tags,Images,Parent,Position,Attribute 1 name,Attribute 1 value(s)\n"
        '10,variable,AB,,Alm Boot,1,0,1,,,,,Shoes,,,,0,Size,"41, 42"\n'
        "11,variation,AB-41,4006381333931,Alm Boot - 41,1,0,1,7,2,,129.90,,,,AB,1,Size,41\n"
    ),
    "Square items": (
        "Token,Item Name,Variation Name,SKU,Description,Category,Price,GTIN,Current Quantity Main St,"
        "New Quantity Main St,Stock Alert Count Main St\nT1,Alm Boot,41,AB-41,,Shoes,$129.90,4006381333931,7,9,2\n"
    ),
    "Vend or Lightspeed products": (
        "id,handle,sku,composite_name,name,description,product_category,variant_option_one_name,"
        "variant_option_one_value,tags,supply_price,retail_price,brand_name,supplier_name,active,track_inventory,"
        "inventory_Main_Outlet,reorder_point_Main_Outlet\n"
        "u1,alm-boot,AB-41,,Alm Boot,,Shoes,Size,41,,61.00,129.90,Alm,,1,1,7,2\n"
    ),
    "Odoo products": (
        '"External ID","Internal Reference","Name","Sales Price","Cost","Barcode","Quantity On Hand"\n'
        '"__export__.p1","AB-41","Alm Boot","129.90","61.0","4006381333931","7.0"\n'
    ),
    "Amazon listings": (
        "item-name\titem-description\tlisting-id\tseller-sku\tprice\tquantity\topen-date\tproduct-id-type\tasin1\t"
        "fulfillment-channel\tstatus\n"
        "Alm Boot\t\tL1\tAB-41\t129.90\t7\t2026-01-05 07:35:42 PST\t1\tB0A\tDEFAULT\tActive\n"
    ),
    "Amazon FBA inventory": (
        "sku\tfnsku\tasin\tproduct-name\tcondition\tyour-price\tmfn-listing-exists\tmfn-fulfillable-quantity\t"
        "afn-listing-exists\tafn-warehouse-quantity\tafn-fulfillable-quantity\n"
        "AB-41\tX1\tB0A\tAlm Boot\tNew\t129.90\tYes\t7\tNo\t\t0\n"
    ),
}
"""A small file of each program: its real columns, with a boot that we made up."""

NEW_SHOPIFY_PRODUCTS = (
    "Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,"
    "Option1 name,Option1 value,Option1 Linked To,Option2 name,Option2 value,Option2 Linked To,Option3 name,"
    "Option3 value,Option3 Linked To,Price,Compare-at price,Cost per item,Charge tax,Tax code,"
    "Unit price total measure,Unit price total measure unit,Unit price base measure,Unit price base measure unit,"
    "Inventory tracker,Inventory quantity,Continue selling when out of stock,Weight value (grams),"
    "Weight unit for display,Requires shipping,Fulfillment service,Product image URL,Image position,Image alt text,"
    "Variant image URL,Gift card,SEO title,SEO description,Google Shopping / Google product category\n"
    "Alm Boot,alm-boot,<p>Warm</p>,Alm,,Shoes,,TRUE,Active,AB-41,4006381333931,Size,41,,Color,Moss,,,,,129.90,,61,TRUE,"
    ",,,,,shopify,7,DENY,900,g,TRUE,manual,https://cdn.example/1.jpg,1,,,FALSE,,,\n"
    ",alm-boot,,,,,,,,AB-42,,,42,,,Moss,,,,,129.90,,61,TRUE,,,,,,shopify,5,DENY,900,g,TRUE,manual,,,,,,,,\n"
    ",alm-boot,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/2.jpg,2,,,,,,\n"
)
"""The columns that Shopify has in its product template since 2024, in which the code of a variant is just `SKU`."""
