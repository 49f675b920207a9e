-- Browsers in which a person has signed in before, and the browser of an attempt: null for a stranger's.
create table stockroom.known_browsers (
    token_hash   bytea not null,
    user_id      bigint not null references stockroom.users,
    created_at   timestamptz not null default now(),
    last_used_at timestamptz not null default now(),
    primary key (token_hash, user_id)
);
create index known_browsers_user_id_idx on stockroom.known_browsers (user_id);

alter table stockroom.sign_in_attempts add column browser bytea;
create index sign_in_attempts_browser_idx on stockroom.sign_in_attempts (browser, at) where browser is not null;
