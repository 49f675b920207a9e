-- What people chose about files of one shape and purpose. `shape` is a digest of the names of the columns. `columns` maps our fields
-- to theirs, `answers` the questions about the file to what was answered.
create table stockroom.file_shapes (
    purpose       text not null constraint file_shapes_purpose_check check (purpose ~ '^[a-z_]{1,40}$'),
    shape         text not null constraint file_shapes_shape_check check (shape ~ '^[0-9a-f]{64}$'),
    columns       jsonb not null constraint file_shapes_columns_check check (jsonb_typeof(columns) = 'object'),
    answers       jsonb not null constraint file_shapes_answers_check check (jsonb_typeof(answers) = 'object'),
    remembered_by text not null,
    remembered_at timestamptz not null default clock_timestamp(),
    primary key (purpose, shape)
);

-- Rows of a history file that an earlier import had posted already, so that they are not posted twice.
alter table stockroom.history_imports add column rows_known int not null default 0;
