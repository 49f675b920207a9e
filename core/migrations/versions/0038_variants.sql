-- Where a variant lies, its picture, and who changed what of a variant. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- The place of a variant in the warehouse, as people call it. An adopted shop may have brought a column of this name; its values stay,
-- as text.
do $$
declare
    _type text := (select format_type(a.atttypid, null) from pg_attribute a
                    where a.attrelid = 'public.product_variants'::regclass and a.attname = 'shelf_place' and not a.attisdropped);
begin
    if _type is null then
        alter table public.product_variants add column shelf_place text;
    elsif _type not in ('text', 'character varying') then
        alter table public.product_variants alter column shelf_place type text using shelf_place::text;
    end if;
end $$;

-- Pictures that people uploaded, known by the digest of their content. Python has decoded each and written it again, within these bounds.
create table stockroom.pictures (
    digest     text primary key check (digest ~ '^[0-9a-f]{64}$'),
    content    bytea not null,
    media_type text not null,
    created_at timestamptz not null default now(),
    constraint pictures_content_check check (octet_length(content) between 1 and 500000),
    constraint pictures_proof_check check (digest = encode(sha256(content), 'hex')),
    constraint pictures_media_type_check check (media_type in ('image/jpeg', 'image/webp'))
);

-- The picture of a variant: an address, or one of `stockroom.pictures` as the dashboard serves it.
create table stockroom.variant_pictures (
    variant_id uuid primary key references public.product_variants on delete cascade,
    picture    text not null check (length(picture) <= 1000 and picture ~ '^(https://[!-~]+|/picture/[0-9a-f]{64})$')
);
create index variant_pictures_picture_idx on stockroom.variant_pictures (picture);

-- Every change of a variant but its level, one row a field. Without a variant it is a change of the product, which all its variants
-- share. `source`: a page, a file, or somebody who wrote the tables directly.
create table stockroom.variant_changes (
    id           bigint generated always as identity primary key,
    variant_id   uuid,
    product_id   uuid not null,
    sku          text,
    field        text not null,
    before       text,
    after        text,
    source       text not null,
    operation_id bigint,
    user_id      bigint,
    performed_by text not null,
    at           timestamptz not null default clock_timestamp(),
    constraint variant_changes_source_check check (source in ('page', 'file', 'direct'))
);
create index variant_changes_variant_idx on stockroom.variant_changes (variant_id, id) where variant_id is not null;
create index variant_changes_product_idx on stockroom.variant_changes (product_id, id) where variant_id is null;
create index variant_changes_operation_idx on stockroom.variant_changes (operation_id) where operation_id is not null;
create trigger variant_changes_append_only
    before update or delete or truncate on stockroom.variant_changes
    for each statement execute function stockroom.keep_audit();

-- Record a direct change of the catalogue, with the values that differ and the role that made it, in the audit and on the variant.
create or replace function stockroom.note_catalogue() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    _role text := coalesce(nullif(current_setting('role', true), 'none'), session_user);
    _new jsonb := to_jsonb(new) - array(
        select a.attname::text from pg_attribute a where a.attrelid = tg_relid and a.attgenerated <> '')
        - '{updated_at,created_at,stock_quantity,reserved_quantity,computed_available_stock,movement_sequence,chain_head}'::text[];
    _old jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) end;
    _before jsonb;
    _after jsonb;
begin
    select jsonb_object_agg(n.key, _old -> n.key) filter (where _old is not null), jsonb_object_agg(n.key, n.value)
      into _before, _after
      from jsonb_each(_new) n
     where _old is null and n.value <> 'null' or _old is not null and n.value is distinct from _old -> n.key;
    if _after is null then
        return null;
    end if;
    insert into stockroom.audit (performed_by, change, subject, before, after)
    values (_role, case tg_op when 'INSERT' then 'catalogue_added' else 'catalogue_changed' end,
            case tg_table_name when 'products' then 'product ' || (_new ->> 'name') else 'variant ' || (_new ->> 'sku') end,
            _before, _after);
    if tg_op = 'INSERT' and tg_table_name = 'product_variants' then
        insert into stockroom.variant_changes (variant_id, product_id, sku, field, after, source, performed_by)
        values ((_new ->> 'id')::uuid, (_new ->> 'product_id')::uuid, _new ->> 'sku', 'added', _new ->> 'sku', 'direct', _role);
    elsif tg_op = 'UPDATE' then
        insert into stockroom.variant_changes (variant_id, product_id, sku, field, before, after, source, performed_by)
        select case tg_table_name when 'product_variants' then (_new ->> 'id')::uuid end,
               (_new ->> case tg_table_name when 'products' then 'id' else 'product_id' end)::uuid, _new ->> 'sku',
               case when n.key = 'is_active' then 'active' when tg_table_name = 'product_variants' then n.key
                    when n.key = 'name' then 'product' when n.key in ('brand', 'image_url') then n.key else 'product ' || n.key end,
               case when n.key = 'is_active' then case _before ->> n.key when 'true' then 'yes' else 'no' end else _before ->> n.key end,
               case when n.key = 'is_active' then case n.value when 'true' then 'yes' else 'no' end else _after ->> n.key end,
               'direct', _role
          from jsonb_each(_after) n;
    end if;
    return null;
end $$;
