-- The terms on which goods are ordered: of a variant, of a brand, or of the shop (neither). The most specific value that is not null
-- counts, field by field.
create table stockroom.order_terms (
    id         bigint generated always as identity primary key,
    variant_id uuid,
    brand      text,
    supplier   text,
    lead_days  int,
    pack_size  int,
    cover_days int,
    changed_by text not null,
    changed_at timestamptz not null default clock_timestamp(),
    constraint order_terms_one unique nulls not distinct (variant_id, brand),
    constraint order_terms_of_check check (variant_id is null or brand is null),
    constraint order_terms_supplier_check check (length(supplier) >= 1 and length(supplier) <= 200),
    constraint order_terms_lead_check check (lead_days >= 0 and lead_days <= 730),
    constraint order_terms_pack_check check (pack_size >= 1 and pack_size <= 100000),
    constraint order_terms_cover_check check (cover_days >= 0 and cover_days <= 730)
);
