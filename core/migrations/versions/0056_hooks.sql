-- The addresses of programs that receive webhooks, and which events each one receives. `off_at`: switched off by a person, or by the
-- worker after days of failures, and then `off_why` says so.
create table stockroom.hook_endpoints (
    id            bigint generated always as identity primary key,
    name          text not null,
    url           text not null,
    events        text[] not null,
    made_by       text not null,
    created_at    timestamptz not null default now(),
    failing_since timestamptz,
    off_at        timestamptz,
    off_why       text,
    removed_at    timestamptz,
    constraint hook_endpoints_name_check check (length(name) <= 80),
    constraint hook_endpoints_url_check check (length(url) <= 500),
    constraint hook_endpoints_events_check
        check (cardinality(events) > 0 and events <@ array['level.changed', 'stock.out', 'stock.back', 'order.failed'])
);

-- The secrets that sign the messages of an endpoint: the current one, and an older one until it ends. They are needed in clear.
create table stockroom.hook_secrets (
    endpoint_id bigint not null references stockroom.hook_endpoints,
    secret      text not null,
    created_at  timestamptz not null default now(),
    ends_at     timestamptz,
    constraint hook_secrets_secret_check check (secret ~ '^whsec_[A-Za-z0-9+/]{32,}=*$')
);
create unique index hook_secrets_current_idx on stockroom.hook_secrets (endpoint_id) where ends_at is null;

-- How far changes of levels were read: every change before `floor` is in `hook_levels`. `mark` names the server that counts so.
create table stockroom.hook_cursor (
    is_only boolean primary key default true constraint hook_cursor_only_check check (is_only),
    mark    text,
    floor   bigint
);
insert into stockroom.hook_cursor default values;

-- The level of each variant as it was last read.
create table stockroom.hook_levels (
    variant_id uuid primary key,
    available  int not null,
    on_hand    int not null,
    reserved   int not null
);

-- What happened, once for each message id. An event of a failed order names its case.
create table stockroom.hook_events (
    id         bigint generated always as identity primary key,
    message_id text not null default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
    kind       text not null,
    alert_id   bigint,
    body       jsonb not null,
    created_at timestamptz not null default clock_timestamp(),
    constraint hook_events_message_key unique (message_id),
    constraint hook_events_kind_check check (kind in ('level.changed', 'stock.out', 'stock.back', 'order.failed'))
);
create unique index hook_events_alert_idx on stockroom.hook_events (alert_id) where alert_id is not null;

-- The delivery of each event to each endpoint that receives it.
create table stockroom.hook_deliveries (
    id          bigint generated always as identity primary key,
    event_id    bigint not null references stockroom.hook_events on delete cascade,
    endpoint_id bigint not null references stockroom.hook_endpoints,
    state       text not null default 'waiting',
    attempts    int not null default 0,
    due_at      timestamptz not null default now(),
    status      int,
    answer      text,
    finished_at timestamptz,
    constraint hook_deliveries_event_key unique (event_id, endpoint_id),
    constraint hook_deliveries_state_check check (state in ('waiting', 'sent', 'failed'))
);
create index hook_deliveries_due_idx on stockroom.hook_deliveries (due_at, id) where state = 'waiting';
create index hook_deliveries_endpoint_idx on stockroom.hook_deliveries (endpoint_id, id);
