-- Backups, and which are proven. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- The backups that were made here or looked at: what each held, and whether it was restored and found right. A backup is gone when
-- `deleted_at` is set; `why` tells in words what failed last.
create table stockroom.backups (
    id             bigint generated always as identity primary key,
    file           text not null check (length(file) between 1 and 255),
    made_at        timestamptz not null,
    size_bytes     bigint not null,
    sha256         text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    head_hash      bytea not null,
    movements      bigint not null,
    server_version text not null,
    proven_at      timestamptz,
    failed_at      timestamptz,
    why            text,
    deleted_at     timestamptz,
    constraint backups_sha256_key unique (sha256)
);
