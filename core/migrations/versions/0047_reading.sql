-- The language and the format in which people read pages. A person's own come first, then the shop's; null chooses nothing.
-- A language is written as in ISO 639 (`de`), a format as language and region (`de-CH`).
alter table stockroom.shop
    add column language text constraint shop_language_check check (language ~ '^[a-z]{2}$'),
    add column format text constraint shop_format_check check (format ~ '^[a-z]{2}-[A-Z]{2}$');
alter table stockroom.users
    add column language text constraint users_language_check check (language ~ '^[a-z]{2}$'),
    add column format text constraint users_format_check check (format ~ '^[a-z]{2}-[A-Z]{2}$');
