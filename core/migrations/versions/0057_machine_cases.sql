-- Two more kinds of cases about the installation: the database died and was started again, and a webhook was switched off.
alter table stockroom.alerts drop constraint alerts_kind_check;
alter table stockroom.alerts add constraint alerts_kind_check check (kind in ('insufficient_stock', 'unknown_variant',
    'unreadable_cart', 'amount_mismatch', 'double_payment', 'dispute', 'import_error', 'refund_failed', 'low_stock',
    'out_of_stock', 'proof_failed', 'job_stalled', 'bad_signature', 'backup_failed', 'slowdown', 'shared_code', 'database_died',
    'webhook_off'));

-- The list of a case. PostgreSQL 15 cannot change the expression of a column. What uses the column is rebuilt after this.
drop schema if exists stockroom_api cascade;
create schema stockroom_api;
delete from stockroom.sql_text;
alter table stockroom.alerts drop column list;
alter table stockroom.alerts
    add column list text not null generated always as (
        case when kind in ('double_payment', 'dispute') then 'decisions'
             when kind in ('low_stock', 'out_of_stock') then 'levels'
             when kind in ('proof_failed', 'job_stalled', 'bad_signature', 'backup_failed', 'slowdown', 'database_died', 'webhook_off')
                  then 'machinery'
             else 'failed' end) stored;
