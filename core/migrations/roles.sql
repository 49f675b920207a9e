-- The two roles. `stockroom_owner` owns everything and only migrates. The running dashboard acts as `stockroom_app`.
do $$
declare
    -- From 16 on, the creator of a role is a member of it but may not act as it yet.
    _acts_as text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
    _role text;
begin
    foreach _role in array array['stockroom_owner', 'stockroom_app'] loop
        begin
            if not exists (select from pg_roles where rolname = _role) then
                execute format('create role %I %s', _role, case _role when 'stockroom_app' then 'login' else 'nologin' end);
            end if;
        exception when duplicate_object or unique_violation then
            null;  -- another database of this server is being migrated at the same time
        end;
        begin
            if not pg_has_role(current_user, _role, _acts_as) then
                execute format('grant %I to %I', _role, current_user);
            end if;
        exception when unique_violation or internal_error then
            null;  -- granted at the same time, for another database; the server reports "tuple concurrently updated"
        end;
    end loop;
    if not has_database_privilege('stockroom_owner', current_database(), 'create') then
        execute format('grant create on database %I to stockroom_owner', current_database());
    end if;
    if not has_schema_privilege('stockroom_owner', 'public', 'create') then
        grant create, usage on schema public to stockroom_owner;
    end if;
end $$;
