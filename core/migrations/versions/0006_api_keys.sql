-- Keys by which programs are let in. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- A key, without the key: only its hash is here, and the beginning by which people tell keys apart.
create table stockroom.api_keys (
    id              bigint generated always as identity primary key,
    name            text not null check (length(name) between 1 and 80),
    key_hash        bytea not null,
    begins          text not null,
    scopes          text[] not null check (cardinality(scopes) > 0 and scopes <@ array['validate', 'reserve', 'orders']),
    rate_per_minute int not null check (rate_per_minute between 1 and 100000),
    made_by         text not null,
    created_at      timestamptz not null default now(),
    last_used_at    timestamptz,
    revoked_at      timestamptz,
    revoked_by      text,
    constraint api_keys_key_hash_key unique (key_hash)
);
