-- The record of backups. Only the owner's account writes it, so the app's role cannot mark a backup as verified.

-- Record a backup, or update the file name of a known one.
create function stockroom_api.record_backup(
    _file text, _made_at timestamptz, _size_bytes bigint, _sha256 text, _head_hash bytea, _movements bigint, _server_version text,
    _left_out text[]
) returns void
    language sql as $$
    insert into stockroom.backups as b (file, made_at, size_bytes, sha256, head_hash, movements, server_version, left_out)
    values (_file, _made_at, _size_bytes, _sha256, _head_hash, _movements, _server_version, _left_out)
    on conflict (sha256) do update set file = excluded.file, deleted_at = null;
$$;

-- Record the verification of a backup: verified if `_why` is null. A failure withdraws an earlier verification, because the file
-- has changed since.
create function stockroom_api.judge_backup(_file text, _why text default null) returns void
    language sql as $$
    update stockroom.backups
       set proven_at = case when _why is null then now() end, failed_at = case when _why is not null then now() end, why = _why
     where file = _file and deleted_at is null;
$$;

-- Record that a backup was deleted.
create function stockroom_api.forget_backup(_file text) returns void
    language sql as $$
    update stockroom.backups set deleted_at = now() where file = _file and deleted_at is null;
$$;

-- The existing backups, as Settings shows them.
create view stockroom_api.backups as
select b.id, b.file, b.made_at, b.size_bytes, b.sha256, encode(b.head_hash, 'hex') as head_hash, b.movements, b.server_version,
       b.proven_at, b.failed_at, b.why, b.left_out
  from stockroom.backups b
 where b.deleted_at is null;

-- When the last verified backup of this shop was verified and created, and since when the shop exists. A backup of the sample shop
-- that was here before is not one of this shop.
create view stockroom_api.backup_proof as
select b.proven_at, b.made_at, s.created_at as since
  from stockroom.shop s
  left join lateral (select b.proven_at, b.made_at from stockroom.backups b where b.proven_at is not null and b.deleted_at is null
                        and not exists (select from stockroom_api.sample_removal r where b.made_at < r.at)
                      order by b.made_at desc limit 1) b on true;

grant select on stockroom_api.backups, stockroom_api.backup_proof to stockroom_app;

-- The columns of the ledger's export: everything that a hash covers, and the hash.
create view stockroom_api.ledger_rows as
select m.id, m.variant_id, m.sku, m.movement_type, m.reason, m.quantity, m.quantity_before, m.quantity_after, m.variant_sequence,
       m.operation_id, m.reference_type, m.reference_id, m.reverses_id, m.performed_by, m.note, m.occurred_at, m.created_at,
       m.chain_hash
  from public.stock_movements m;

grant select on stockroom_api.ledger_rows to stockroom_app;
