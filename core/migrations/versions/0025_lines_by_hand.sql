-- A line that a correction replaced stays with its code and quantity, has no units, and has a negative position.
alter table stockroom.order_lines drop constraint order_lines_state_check;
alter table stockroom.order_lines add constraint order_lines_state_check
    check (state in ('taken', 'failed', 'skipped', 'resolved', 'replaced'));
alter table stockroom.order_lines add constraint order_lines_replaced_check
    check (case state when 'replaced' then position < 0 and taken = 0 and oversold = 0 else position >= 0 end);

-- Each time a person entered or corrected the lines of an order: the order before and after it. `undoes`: the change that this one
-- takes back.
create table stockroom.line_changes (
    id           bigint generated always as identity primary key,
    order_id     bigint not null references stockroom.orders,
    operation_id bigint not null references stockroom.operations,
    undoes       bigint references stockroom.line_changes,
    before       jsonb not null,
    after        jsonb not null,
    note         text,
    changed_by   text not null,
    changed_at   timestamptz not null default now(),
    constraint line_changes_operation_key unique (operation_id),
    constraint line_changes_undoes_key unique (undoes)
);
create index line_changes_order_idx on stockroom.line_changes (order_id, id);
