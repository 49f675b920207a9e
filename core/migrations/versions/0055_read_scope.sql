-- A key with the scope `read` reads levels and nothing else.
alter table stockroom.api_keys drop constraint api_keys_scopes_check;
alter table stockroom.api_keys add constraint api_keys_scopes_check
    check (cardinality(scopes) > 0 and scopes <@ array['validate', 'reserve', 'orders', 'metrics', 'read']);
