-- A page with its query string, under a name. A shared view is listed for everybody; each opens it with their own rights.
create table stockroom.saved_views (
    id         bigint generated always as identity primary key,
    owner_id   bigint not null references stockroom.users,
    name       text not null constraint saved_views_name_check check (length(name) >= 1 and length(name) <= 60),
    page       text not null constraint saved_views_page_check check (page ~ '^[a-z_]{1,40}$'),
    query      text not null constraint saved_views_query_check check (length(query) <= 2000),
    is_shared  boolean not null default false,
    version    int not null default 1,
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    constraint saved_views_encoded_check check (query ~ '^[A-Za-z0-9_.~%&=+-]*$')
);
create unique index saved_views_name_key on stockroom.saved_views (owner_id, lower(name));
create index saved_views_shared_idx on stockroom.saved_views (id) where is_shared;

-- Where a person begins: a page, or a view. Without a row it is Overview.
create table stockroom.start_pages (
    user_id bigint primary key references stockroom.users,
    page    text constraint start_pages_page_check check (page ~ '^[a-z_]{1,40}$'),
    view_id bigint references stockroom.saved_views on delete cascade,
    constraint start_pages_one_check check ((page is null) <> (view_id is null))
);
create index start_pages_view_idx on stockroom.start_pages (view_id) where view_id is not null;

-- When a person gets the mail with their views. `at` is in the shop's time zone; a mail that was due before `since` is not sent.
create table stockroom.view_subscriptions (
    user_id bigint primary key references stockroom.users,
    rhythm  text not null constraint view_subscriptions_rhythm_check check (rhythm in ('weekly', 'daily')),
    at      time not null,
    is_on   boolean not null default true,
    since   timestamptz not null default clock_timestamp()
);

-- The views in a person's mail, in their order.
create table stockroom.subscribed_views (
    user_id bigint not null references stockroom.view_subscriptions,
    view_id bigint not null references stockroom.saved_views on delete cascade,
    place   int not null,
    primary key (user_id, view_id)
);
create index subscribed_views_view_idx on stockroom.subscribed_views (view_id);

-- The mails with views. `key` is the person and the day, so a day has one mail. `handed_at`: from then on the mail server may have it.
create table stockroom.view_mails (
    id          bigint generated always as identity primary key,
    user_id     bigint not null references stockroom.users,
    key         text not null constraint view_mails_key_check check (length(key) >= 1 and length(key) <= 200),
    kind        text not null,
    recipient   text,
    title       text,
    body        text,
    pictures    int not null default 0,
    state       text not null default 'waiting',
    attempts    int not null default 0,
    due_at      timestamptz not null default clock_timestamp(),
    created_at  timestamptz not null default clock_timestamp(),
    handed_at   timestamptz,
    finished_at timestamptz,
    failed_at   timestamptz,
    why         text,
    constraint view_mails_key_key unique (key),
    constraint view_mails_kind_check check (kind in ('due', 'asked')),
    constraint view_mails_state_check check (state in ('waiting', 'sent', 'failed', 'skipped')),
    constraint view_mails_finished_check check ((state = 'waiting') = (finished_at is null))
);
create index view_mails_due_idx on stockroom.view_mails (due_at, id) where state = 'waiting';
create index view_mails_user_idx on stockroom.view_mails (user_id, id desc);
