-- Decisions that are taken back, and goods that come back without a refund. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- A decision without a refund: goods of a line came back. It always names the line.
alter table stockroom.refund_decisions alter column refund_id drop not null;
alter table stockroom.refund_decisions add constraint refund_decisions_subject_check
    check (refund_id is not null or line_id is not null);
create index refund_decisions_operation_idx on stockroom.refund_decisions (operation_id);

-- The decisions that were taken back; added to, never changed. A decision whose movement was undone counts as taken back too.
create table stockroom.decisions_taken_back (
    id            bigint generated always as identity primary key,
    decision_id   bigint not null references stockroom.refund_decisions,
    operation_id  bigint not null references stockroom.operations,
    taken_back_by text not null,
    taken_back_at timestamptz not null default now(),
    constraint decisions_taken_back_decision_key unique (decision_id)
);
create trigger decisions_taken_back_append_only
    before update or delete or truncate on stockroom.decisions_taken_back
    for each statement execute function stockroom.keep_audit();
