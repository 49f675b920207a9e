-- Where a recent proof begins. `horizon` is the oldest transaction that the snapshot of a run may not have seen, `server` the server whose
-- transactions these are. `since` is the end of the run after which a check looked; null: it looked at everything.
alter table stockroom.proof_runs add column horizon xid8, add column server bigint;
alter table stockroom.proof_results add column since timestamptz;

-- The movements of a person for a reason, in order of time. The everyday reasons of sales, receipts and corrections are left out: they
-- cost nothing here, and their rows are so many that the other indexes find enough of them at once.
create index stock_movements_person_reason_idx on public.stock_movements (performed_by, reason, occurred_at, id)
    where reason not in ('stock_decrease', 'stock_increase', 'delivery', 'refund');
