SET LOCAL ROLE sluice_owner;

-- The same policy on every table that holds rows of tenants. Without a tenant set in the transaction the setting is NULL
-- or empty and no row is visible.
DO $$
DECLARE
  tenant_table text;
BEGIN
  FOR tenant_table IN
    SELECT table_name FROM information_schema.columns WHERE table_schema = 'sluice' AND column_name = 'tenant_id'
  LOOP
    EXECUTE format('ALTER TABLE sluice.%I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format('ALTER TABLE sluice.%I FORCE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format($policy$
      CREATE POLICY tenant_rows ON sluice.%I
        USING (tenant_id = nullif(current_setting('app.tenant_id', true), ''))
        WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), ''))$policy$, tenant_table);
    EXECUTE format('REVOKE ALL ON sluice.%I FROM PUBLIC', tenant_table);
  END LOOP;
END
$$;
REVOKE ALL ON sluice.contracts, sluice.rulesets FROM PUBLIC;

GRANT SELECT ON sluice.tenants, sluice.contracts, sluice.rulesets TO sluice_app;
GRANT SELECT, INSERT, UPDATE ON sluice.ingestion_mappings, sluice.upload_sessions, sluice.source_objects,
  sluice.ingestion_jobs, sluice.job_attempts, sluice.job_executions TO sluice_app;
GRANT SELECT, INSERT, DELETE ON sluice.job_stages, sluice.ingestion_errors TO sluice_app;
GRANT SELECT, INSERT ON sluice.job_transitions TO sluice_app;
