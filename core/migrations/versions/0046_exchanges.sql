-- Exchanges, and buyers who wait for units that are not there. No row is rewritten.

-- `exchange_of`: the line of the cart whose unit came back for this one. It has no foreign key, because each insert of a line would
-- queue a check. `awaited_at`: since when a person says that the buyer waits for the oversold units.
alter table stockroom.order_lines
    add column exchange_of bigint,
    add column awaited_at timestamptz;
create index order_lines_awaited_idx on stockroom.order_lines (order_id) where awaited_at is not null;

insert into stockroom.reasons (movement_type, reason, label, sign, note_required, by_hand)
values ('sale', 'exchange', 'Exchange', -1, false, false)
on conflict do nothing;
