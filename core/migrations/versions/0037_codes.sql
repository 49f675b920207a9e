-- How texts are compared. Indexes use these functions, so they are not in stockroom_api. Their results are stored in the indexes:
-- a change of a result needs a migration that builds them again.

-- A text as it is compared: composed letters (NFC), one plain space for all spaces between words, none at the ends, one plain hyphen
-- for all that look like it, no invisible characters. Letter case stays. Like `folded` in core/foundation/text.py.
create function stockroom.folded(_text text) returns text
    language plpgsql immutable strict parallel safe as $$
begin
    if _text ~ '^[!-~]*$' then
        return _text;
    elsif _text !~ '^[\t-\r -~]*$' and getdatabaseencoding() = 'UTF8' then
        _text := regexp_replace(_text, '[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]', '', 'g');
        _text := regexp_replace(_text, '[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D]', '-', 'g');
        _text := regexp_replace(_text, '[\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]', ' ', 'g');
        _text := normalize(_text, NFC);
    end if;
    return btrim(regexp_replace(_text, '[\t-\r ]+', ' ', 'g'), ' ');
end $$;

-- What a code is compared by: a GTIN of 8, 12, 13 or 14 digits with its right check digit as a number of 14 digits; any other text
-- folded. Like `code_key` in core/foundation/barcodes.py.
create function stockroom.code_key(_code text) returns text
    language plpgsql immutable strict parallel safe as $$
declare
    _key text := stockroom.folded(_code);
    _gtin text;
begin
    if _key !~ '^([0-9]{8}|[0-9]{12,14})$' then
        return _key;
    end if;
    _gtin := lpad(_key, 14, '0');
    if (3 * (ascii(substr(_gtin, 1, 1)) + ascii(substr(_gtin, 3, 1)) + ascii(substr(_gtin, 5, 1)) + ascii(substr(_gtin, 7, 1))
             + ascii(substr(_gtin, 9, 1)) + ascii(substr(_gtin, 11, 1)) + ascii(substr(_gtin, 13, 1)))
        + ascii(substr(_gtin, 2, 1)) + ascii(substr(_gtin, 4, 1)) + ascii(substr(_gtin, 6, 1)) + ascii(substr(_gtin, 8, 1))
        + ascii(substr(_gtin, 10, 1)) + ascii(substr(_gtin, 12, 1)) + ascii(substr(_gtin, 14, 1)) - 28 * 48) % 10 = 0 then
        return _gtin;
    end if;
    return _key;
end $$;

-- The codes that people give a variant, in addition to its SKU and barcode. `units` is what a scan of it counts: a carton has several.
create table stockroom.variant_codes (
    id         bigint generated always as identity primary key,
    variant_id uuid not null references public.product_variants on delete cascade,
    kind       text not null,
    code       text not null check (length(code) between 1 and 80),
    code_key   text not null,
    units      int not null default 1,
    added_by   text not null,
    added_at   timestamptz not null default now(),
    constraint variant_codes_code_key_key unique (code_key),
    constraint variant_codes_kind_check check (kind in ('ean', 'upc', 'carton', 'supplier', 'former_sku')),
    constraint variant_codes_units_check check (units = 1 or kind = 'carton' and units between 2 and 100000)
);
create index variant_codes_variant_idx on stockroom.variant_codes (variant_id);
create index variant_codes_former_idx on stockroom.variant_codes (lower(code_key)) where kind = 'former_sku';

create index product_variants_sku_code_idx on public.product_variants (lower(stockroom.code_key(sku)) text_pattern_ops);
create index product_variants_barcode_code_idx on public.product_variants (stockroom.code_key(barcode)) where barcode is not null;
create index products_folded_name_idx on public.products (lower(stockroom.folded(name)));
