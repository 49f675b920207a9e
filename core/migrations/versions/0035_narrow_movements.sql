-- What a movement and an order line cost besides their rows. No row is rewritten; the new indexes read the movements once.

-- A line has the sale that took it first. A row in order_line_movements is needed only for each further movement. Lines that were taken
-- before keep theirs.
alter table stockroom.order_lines add column movement_id bigint;
create unique index order_lines_movement_key on stockroom.order_lines (movement_id) where movement_id is not null;

-- Refuse to delete a line with movements, or to change its id.
create or replace function stockroom.keep_lines() returns trigger language plpgsql as $$
begin
    if old.movement_id is not null or exists (select from stockroom.order_line_movements x where x.line_id = old.id) then
        raise foreign_key_violation using message = 'A line with movements cannot be deleted.';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end $$;

-- Most movements are sales. They need no entry by type: the newest of them are among the newest of all.
drop index public.stock_movements_type_idx;
create index stock_movements_type_idx on public.stock_movements (movement_type, occurred_at, id) where movement_type <> 'sale';
