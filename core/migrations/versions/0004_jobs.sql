-- Who may touch the queue of jobs: the app's role, whose worker keeps it. Its functions run as who calls them, so the role needs
-- the rights on the tables themselves. Nothing of the ledger lies here; whoever loses a job only waits for the next minute.
revoke all on all functions in schema procrastinate from public;
grant usage on schema procrastinate to stockroom_app;
grant select, insert, update, delete on all tables in schema procrastinate to stockroom_app;
grant usage on all sequences in schema procrastinate to stockroom_app;
grant execute on all functions in schema procrastinate to stockroom_app;

-- The library's functions name nothing by schema; so they work whatever the path of the caller is.
do $$
declare
    _function regprocedure;
begin
    for _function in select p.oid from pg_proc p where p.pronamespace = 'procrastinate'::regnamespace loop
        execute format('alter function %s set search_path = procrastinate, pg_temp', _function);
    end loop;
end $$;
