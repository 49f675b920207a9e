-- What a code means: one variant, several variants with quantities (a bundle), or no goods. For good (`order_id` null), or for one
-- order. A meaning that was changed or ended stays as a row, because lines of orders refer to it.
alter table stockroom.sku_aliases drop constraint sku_aliases_pkey;
alter table stockroom.sku_aliases
    add column id bigint generated always as identity primary key,
    add column kind text not null default 'variant',
    add column order_id bigint references stockroom.orders,
    add column ended_at timestamptz,
    add column ended_by text,
    alter column variant_id drop not null,
    add constraint sku_aliases_kind_check check (kind in ('variant', 'bundle', 'no_goods')),
    add constraint sku_aliases_variant_check check ((kind = 'variant') = (variant_id is not null)),
    add constraint sku_aliases_ended_check check ((ended_at is null) = (ended_by is null));
create unique index sku_aliases_code_key on stockroom.sku_aliases (code) where ended_at is null and order_id is null;

-- The variants of a bundle, and how many of each are in one.
create table stockroom.code_parts (
    meaning_id bigint not null references stockroom.sku_aliases,
    variant_id uuid not null references public.product_variants,
    quantity   int not null,
    primary key (meaning_id, variant_id),
    constraint code_parts_quantity_check check (quantity between 1 and 1000)
);

-- `meaning_id`: the meaning that a line stands on. `part_of`: the line of the cart whose bundle a line is a part of. A line in state
-- 'bundle' or 'no_goods' is settled and counts in money only. A line in state 'replaced' counts in nothing.
alter table stockroom.order_lines
    add column meaning_id bigint references stockroom.sku_aliases,
    add column part_of bigint references stockroom.order_lines;
alter table stockroom.order_lines drop constraint order_lines_state_check;
alter table stockroom.order_lines add constraint order_lines_state_check
    check (state in ('taken', 'failed', 'skipped', 'resolved', 'replaced', 'bundle', 'no_goods'));
create index order_lines_meaning_idx on stockroom.order_lines (meaning_id) where meaning_id is not null;
create index order_lines_part_idx on stockroom.order_lines (part_of) where part_of is not null;

-- The lines that stand on the mappings there were.
update stockroom.order_lines l set meaning_id = a.id
  from stockroom.sku_aliases a
 where l.variant_id = a.variant_id and (l.code = a.code or a.code = any (l.codes));
