-- The requests that each API key has left, as of a moment. Processes take them in blocks, so a busy key writes its row every few
-- seconds. A row that is missing is a full minute.
create table stockroom.api_allowances (
    key_id bigint primary key references stockroom.api_keys on delete cascade,
    left_over double precision not null constraint api_allowances_left_over_check check (left_over >= 0),
    at timestamptz not null
) with (fillfactor = 50);
