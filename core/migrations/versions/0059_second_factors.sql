-- The authenticator app of a person. Its secret is needed in clear to check a code; no role of the dashboard reads this table.
-- It counts once it is confirmed. `last_step`: the time step of the newest code that was accepted, so that no code works twice.
create table stockroom.authenticators (
    user_id      bigint primary key references stockroom.users,
    secret       text not null,
    created_at   timestamptz not null default now(),
    confirmed_at timestamptz,
    last_step    bigint not null default 0,
    constraint authenticators_secret_check check (secret ~ '^[A-Z2-7]{32}$')
);

-- The passkeys of a person. `sign_count` is the device's own count of uses: a smaller one later comes from a copy.
create table stockroom.passkeys (
    id            bigint generated always as identity primary key,
    user_id       bigint not null references stockroom.users,
    credential_id bytea not null,
    public_key    bytea not null,
    sign_count    bigint not null,
    name          text not null,
    created_at    timestamptz not null default now(),
    last_used_at  timestamptz,
    constraint passkeys_credential_key unique (credential_id),
    constraint passkeys_name_check check (length(name) between 1 and 80)
);
create index passkeys_user_idx on stockroom.passkeys (user_id);

-- The recovery codes of a person, as hashes. Each works once.
create table stockroom.recovery_codes (
    code_hash bytea primary key,
    user_id   bigint not null references stockroom.users,
    used_at   timestamptz
);
create index recovery_codes_user_idx on stockroom.recovery_codes (user_id);

-- Browsers that gave a right password or link and still lack the second step. Such a session can do nothing else.
create table stockroom.half_sessions (
    token_hash bytea primary key,
    user_id    bigint not null references stockroom.users,
    step       text not null,
    tries      int not null default 0,
    expires_at timestamptz not null,
    constraint half_sessions_step_check check (step in ('code', 'enrol'))
);
create index half_sessions_user_idx on stockroom.half_sessions (user_id);

-- The roles whose people need a second factor.
create table stockroom.factor_rules (
    role      text primary key,
    is_needed boolean not null default false,
    constraint factor_rules_role_check check (role in ('warehouse', 'support', 'manager', 'admin'))
);
insert into stockroom.factor_rules (role) values ('warehouse'), ('support'), ('manager'), ('admin');

-- What a browser has to bring back once, from a passkey or from an identity provider. Its token is kept only as a hash.
create table stockroom.challenges (
    token_hash bytea primary key,
    facts      jsonb not null,
    expires_at timestamptz not null
);

-- The account of a person at an identity provider, by its own number there: an email address may pass to another person.
create table stockroom.identities (
    issuer     text not null,
    subject    text not null,
    user_id    bigint not null references stockroom.users,
    created_at timestamptz not null default now(),
    primary key (issuer, subject),
    constraint identities_user_key unique (user_id, issuer)
);

-- A mail to a person about their account.
alter table stockroom.deliveries drop constraint deliveries_kind_check;
alter table stockroom.deliveries add constraint deliveries_kind_check
    check (kind in ('alert', 'digest', 'order', 'test', 'proof', 'account'));
