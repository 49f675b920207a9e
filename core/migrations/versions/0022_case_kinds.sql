-- What looks like a double payment is a case, and so is a dispute.
alter table stockroom.alerts drop constraint alerts_kind_check;
alter table stockroom.alerts add constraint alerts_kind_check check (kind in ('insufficient_stock', 'unknown_variant',
    'unreadable_cart', 'amount_mismatch', 'double_payment', 'dispute', 'import_error', 'refund_failed', 'low_stock',
    'out_of_stock', 'proof_failed', 'job_stalled', 'bad_signature', 'backup_failed', 'slowdown'));

-- The possible readings of a cart that is not certain, for a person to choose from.
alter table stockroom.orders add column readings jsonb;
