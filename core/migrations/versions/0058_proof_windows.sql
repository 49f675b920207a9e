-- Where a recent proof begins. `horizon` is the oldest transaction that the snapshot of a run may not have seen, `server` the server whose
-- transactions these are. `since` is the end of the run after which a check looked; null: it looked at everything.
alter table stockroom.proof_runs add column horizon xid8, add column server bigint;
alter table stockroom.proof_results add column since timestamptz;
