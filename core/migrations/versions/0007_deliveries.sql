-- Destinations of alerts and what is sent to them. Run once, as stockroom_owner; correct by adding a revision, never by editing this text.

-- A destination of alerts as the shop wishes it; its address is a secret and stands in the environment alone.
create table stockroom.destinations (
    name          text primary key check (name ~ '^[a-z][a-z0-9_]{0,39}$' and name <> 'orders'),
    is_on         boolean not null default true,
    min_severity  text not null default 'warning' check (min_severity in ('urgent', 'warning', 'note')),
    quiet_from    time,
    quiet_until   time,
    urgent_passes boolean not null default true,
    digest        text not null default 'each' check (digest in ('each', 'hour', 'day')),
    digest_at     time not null default '08:00',
    constraint destinations_quiet_check
        check ((quiet_from is null) = (quiet_until is null) and (quiet_from is null or quiet_from <> quiet_until))
);

-- What is to be sent, and what became of it. A key is sent once; whoever claims one moves `due_at` on.
create table stockroom.deliveries (
    id          bigint generated always as identity primary key,
    key         text not null check (length(key) between 1 and 200),
    kind        text not null,
    destination text not null,
    recipient   text,
    title       text not null,
    body        text not null,
    alert_id    bigint references stockroom.alerts,
    order_id    bigint references stockroom.orders,
    state       text not null default 'waiting',
    attempts    int not null default 0,
    due_at      timestamptz not null default now(),
    created_at  timestamptz not null default now(),
    finished_at timestamptz,
    failed_at   timestamptz,
    why         text,
    constraint deliveries_key_key unique (key),
    constraint deliveries_kind_check check (kind in ('alert', 'digest', 'order', 'test', 'proof')),
    constraint deliveries_state_check check (state in ('waiting', 'sent', 'failed')),
    constraint deliveries_finished_check check ((state = 'waiting') = (finished_at is null))
);
create index deliveries_due_idx on stockroom.deliveries (due_at, id) where state = 'waiting';
create index deliveries_destination_idx on stockroom.deliveries (destination, id desc);
create index deliveries_order_idx on stockroom.deliveries (order_id) where order_id is not null;

-- The cases that one message tells of.
create table stockroom.delivery_alerts (
    delivery_id bigint not null references stockroom.deliveries on delete cascade,
    alert_id    bigint not null references stockroom.alerts,
    primary key (delivery_id, alert_id)
);
create index delivery_alerts_alert_idx on stockroom.delivery_alerts (alert_id);

-- Cases that opened or grew more severe, written with them, until they are spread to the destinations.
create table stockroom.alert_news (
    id       bigint generated always as identity primary key,
    alert_id bigint not null references stockroom.alerts,
    at       timestamptz not null default now()
);

-- Cases that wait to be told to a destination: for its next message, the end of its quiet hours, its digest.
create table stockroom.alert_waits (
    destination text not null references stockroom.destinations on delete cascade,
    alert_id    bigint not null references stockroom.alerts,
    at          timestamptz not null,
    due_at      timestamptz not null,
    primary key (destination, alert_id)
);
create index alert_waits_due_idx on stockroom.alert_waits (due_at);

-- Put cases that open among the news, in the transaction that opens them.
create function stockroom.note_opened() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into stockroom.alert_news (alert_id) select n.id from opened n where n.state <> 'resolved' order by n.id;
    return null;
end $$;

-- Put cases whose severity rises among the news, in the transaction that raises it.
create function stockroom.note_raised() returns trigger
    language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
    insert into stockroom.alert_news (alert_id)
    select n.id
      from after_it n
      join before_it b on b.id = n.id
     where n.state <> 'resolved'
       and array_position(array['note', 'warning', 'urgent'], n.severity)
           > array_position(array['note', 'warning', 'urgent'], b.severity)
     order by n.id;
    return null;
end $$;

create trigger alerts_opened after insert on stockroom.alerts
    referencing new table as opened for each statement execute function stockroom.note_opened();
create trigger alerts_raised after update on stockroom.alerts
    referencing old table as before_it new table as after_it for each statement execute function stockroom.note_raised();
