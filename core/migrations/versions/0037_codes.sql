-- How texts are compared. Indexes use this function, so it is not in stockroom_api, and everybody who writes the catalogue may call it.
-- It names nothing of ours, because they may not use our schemas. Its results are stored in the indexes: a change of a result needs a
-- migration that builds them again.

-- A text as it is compared: composed letters (NFC), one plain space for all spaces between words, none at the ends, one plain hyphen
-- for all that look like it, no invisible characters. Letter case stays. With `_is_code`, a GTIN of 8, 12, 13 or 14 digits with its
-- right check digit is a number of 14 digits. Like `folded` and `code_key` in core/foundation.
create function stockroom.folded(_text text, _is_code boolean default false) returns text
    language plpgsql immutable strict parallel safe as $$
declare
    _gtin text;
begin
    if _text !~ '^[!-~]*$' then
        if _text !~ '^[\t-\r -~]*$' and getdatabaseencoding() = 'UTF8' then
            _text := regexp_replace(_text, '[\u00AD\u200B-\u200F\u202A-\u202E\u2060-\u2064\u2066-\u2069\uFEFF]', '', 'g');
            _text := regexp_replace(_text, '[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D]', '-', 'g');
            _text := regexp_replace(_text, '[\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000]', ' ', 'g');
            _text := normalize(_text, NFC);
        end if;
        _text := btrim(regexp_replace(_text, '[\t-\r ]+', ' ', 'g'), ' ');
    end if;
    if _is_code and _text ~ '^([0-9]{8}|[0-9]{12,14})$' then
        _gtin := lpad(_text, 14, '0');
        if (3 * (ascii(_gtin) + ascii(substr(_gtin, 3)) + ascii(substr(_gtin, 5)) + ascii(substr(_gtin, 7)) + ascii(substr(_gtin, 9))
                 + ascii(substr(_gtin, 11)) + ascii(substr(_gtin, 13)))
            + ascii(substr(_gtin, 2)) + ascii(substr(_gtin, 4)) + ascii(substr(_gtin, 6)) + ascii(substr(_gtin, 8))
            + ascii(substr(_gtin, 10)) + ascii(substr(_gtin, 12)) + ascii(substr(_gtin, 14)) - 28 * ascii('0')) % 10 = 0 then
            return _gtin;
        end if;
    end if;
    return _text;
end $$;
grant execute on function stockroom.folded(text, boolean) to public;

-- What a code is compared by.
create function stockroom.code_key(_code text) returns text
    language sql immutable strict parallel safe
    return stockroom.folded(_code, true);

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

create index product_variants_sku_code_idx on public.product_variants (lower(stockroom.folded(sku, true)) text_pattern_ops);
create index product_variants_barcode_code_idx on public.product_variants (stockroom.folded(barcode, true));
create index products_folded_name_idx on public.products (lower(stockroom.folded(name, false)));

-- A code that two variants share is a case.
alter table stockroom.alerts drop constraint alerts_kind_check;
alter table stockroom.alerts add constraint alerts_kind_check check (kind in ('insufficient_stock', 'unknown_variant',
    'unreadable_cart', 'amount_mismatch', 'double_payment', 'dispute', 'import_error', 'refund_failed', 'low_stock',
    'out_of_stock', 'proof_failed', 'job_stalled', 'bad_signature', 'backup_failed', 'slowdown', 'shared_code'));
