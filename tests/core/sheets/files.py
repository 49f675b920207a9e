"""Files as people have them: the same few rows as a spreadsheet, a shop program or an old till writes them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter

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
