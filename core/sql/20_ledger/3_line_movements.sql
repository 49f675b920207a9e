-- Which movements belong to the lines of orders.

-- The movements of order lines. A line keeps the sale that took it first; later sales, undone ones and restorations are rows of a table.
create view stockroom_api.line_movements as
select l.movement_id, l.id as line_id from stockroom.order_lines l where l.movement_id is not null
union all
select x.movement_id, x.line_id from stockroom.order_line_movements x;
