-- All that spans tenants. Each function runs as sluice_admin, which is no owner and no superuser and is let through by
-- policies of its own, on these tables and for these commands only.
SET LOCAL ROLE sluice_owner;

GRANT SELECT, INSERT, UPDATE ON sluice.tenants, sluice.contracts, sluice.rulesets TO sluice_admin;
GRANT SELECT ON sluice.ingestion_jobs, sluice.source_objects, sluice.job_executions TO sluice_admin;
GRANT UPDATE (checked_at) ON sluice.ingestion_jobs TO sluice_admin;

CREATE POLICY admin_tenants ON sluice.tenants TO sluice_admin USING (true) WITH CHECK (true);
CREATE POLICY admin_reads ON sluice.ingestion_jobs FOR SELECT TO sluice_admin USING (true);
CREATE POLICY admin_checks ON sluice.ingestion_jobs FOR UPDATE TO sluice_admin USING (true) WITH CHECK (true);
CREATE POLICY admin_reads ON sluice.source_objects FOR SELECT TO sluice_admin USING (true);
CREATE POLICY admin_reads ON sluice.job_executions FOR SELECT TO sluice_admin USING (true);

SET LOCAL ROLE sluice_admin;

CREATE FUNCTION sluice.admin_list_tenants() RETURNS SETOF sluice.tenants
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM sluice.tenants ORDER BY tenant_id
$$;

-- Answers whether the tenant is new.
CREATE FUNCTION sluice.admin_create_tenant(new_id text, new_name text, slots integer, at timestamptz) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH created AS (
    INSERT INTO sluice.tenants (tenant_id, name, max_active_jobs, created_at, updated_at)
    VALUES (new_id, new_name, slots, at, at) ON CONFLICT DO NOTHING RETURNING 1
  )
  SELECT EXISTS (SELECT FROM created)
$$;

-- Answers whether there is such a tenant.
CREATE FUNCTION sluice.admin_set_tenant_status(of_id text, new_status text, at timestamptz) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  WITH changed AS (
    UPDATE sluice.tenants
    SET status = new_status, updated_at = CASE WHEN status = new_status THEN updated_at ELSE at END
    WHERE tenant_id = of_id RETURNING 1
  )
  SELECT EXISTS (SELECT FROM changed)
$$;

-- Answers whether the current contract of that version changed.
CREATE FUNCTION sluice.admin_put_contract(of_dataset text, of_version integer, of_hash text, of_document jsonb, at timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM sluice.contracts
             WHERE dataset = of_dataset AND version = of_version AND hash = of_hash AND current) THEN
    RETURN false;
  END IF;
  UPDATE sluice.contracts SET current = false WHERE dataset = of_dataset AND version = of_version AND current;
  INSERT INTO sluice.contracts (dataset, version, hash, document, current, created_at)
  VALUES (of_dataset, of_version, of_hash, of_document, true, at)
  ON CONFLICT (dataset, version, hash) DO UPDATE SET current = true;
  RETURN true;
END
$$;

-- Answers whether the current ruleset of the dataset changed. Versions count the texts a dataset has had.
CREATE FUNCTION sluice.admin_put_ruleset(of_dataset text, of_hash text, of_document jsonb, at timestamptz)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM sluice.rulesets WHERE dataset = of_dataset AND hash = of_hash AND current) THEN
    RETURN false;
  END IF;
  UPDATE sluice.rulesets SET current = false WHERE dataset = of_dataset AND current;
  INSERT INTO sluice.rulesets (dataset, version, hash, document, current, created_at)
  SELECT of_dataset, coalesce(max(version), 0) + 1, of_hash, of_document, true, at
  FROM sluice.rulesets WHERE dataset = of_dataset
  ON CONFLICT (dataset, hash) DO UPDATE SET current = true;
  RETURN true;
END
$$;

-- The tenant of a job, so that the job itself is then read under that tenant.
CREATE FUNCTION sluice.admin_tenant_of_job(of_job_id text) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT tenant_id FROM sluice.ingestion_jobs WHERE job_id = of_job_id
$$;

CREATE FUNCTION sluice.admin_job_of_execution(of_execution_arn text)
RETURNS TABLE (tenant_id text, job_id text, attempt integer, decision text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT tenant_id, job_id, attempt, decision FROM sluice.job_executions WHERE execution_arn = of_execution_arn
$$;

-- Jobs of all tenants, newest first, before a sequence number.
CREATE FUNCTION sluice.admin_list_jobs(of_status text, before_sequence bigint, at_most integer)
RETURNS SETOF sluice.ingestion_jobs
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM sluice.ingestion_jobs
  WHERE (of_status IS NULL OR status = of_status) AND (before_sequence IS NULL OR sequence < before_sequence)
  ORDER BY sequence DESC LIMIT at_most
$$;

CREATE FUNCTION sluice.admin_sources(of_ids text[]) RETURNS SETOF sluice.source_objects
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM sluice.source_objects WHERE source_object_id = ANY (of_ids)
$$;

-- Of the given sources, those that some job was registered for.
CREATE FUNCTION sluice.admin_registered_sources(of_ids text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT DISTINCT source_object_id FROM sluice.ingestion_jobs WHERE source_object_id = ANY (of_ids)
$$;

-- Jobs put off for want of a slot, oldest first.
CREATE FUNCTION sluice.admin_deferred_jobs(at_most integer)
RETURNS TABLE (tenant_id text, job_id text, bucket text, object_key text, version_id text, size_bytes bigint, etag text,
               sequencer text, landed_at timestamptz, execution_arn text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT j.tenant_id, j.job_id, s.bucket, s.object_key, s.version_id, s.size_bytes, s.etag, s.sequencer, s.landed_at,
         j.execution_arn
  FROM sluice.ingestion_jobs j JOIN sluice.source_objects s USING (tenant_id, source_object_id)
  WHERE j.status = 'PENDING' AND j.deferred_at IS NOT NULL
  ORDER BY j.sequence LIMIT at_most
$$;

-- Open jobs that nothing was heard of since a time, longest unchecked first; marks them as checked.
CREATE FUNCTION sluice.admin_jobs_to_check(unheard_since timestamptz, at timestamptz, at_most integer)
RETURNS TABLE (tenant_id text, job_id text, attempt integer, execution_arn text, status text)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  UPDATE sluice.ingestion_jobs j SET checked_at = at
  FROM (
    SELECT c.tenant_id, c.job_id FROM sluice.ingestion_jobs c
    WHERE c.status IN ('PENDING', 'PROCESSING') AND c.deferred_at IS NULL
      AND greatest(c.updated_at, c.checked_at) <= unheard_since
    ORDER BY c.checked_at NULLS FIRST, c.sequence LIMIT at_most
  ) due
  WHERE j.tenant_id = due.tenant_id AND j.job_id = due.job_id
  RETURNING j.tenant_id, j.job_id, j.attempt, j.execution_arn, j.status
$$;

GRANT EXECUTE ON FUNCTION sluice.admin_list_tenants(), sluice.admin_create_tenant(text, text, integer, timestamptz),
  sluice.admin_set_tenant_status(text, text, timestamptz),
  sluice.admin_put_contract(text, integer, text, jsonb, timestamptz),
  sluice.admin_put_ruleset(text, text, jsonb, timestamptz), sluice.admin_tenant_of_job(text),
  sluice.admin_job_of_execution(text), sluice.admin_list_jobs(text, bigint, integer), sluice.admin_sources(text[]),
  sluice.admin_registered_sources(text[]), sluice.admin_deferred_jobs(integer),
  sluice.admin_jobs_to_check(timestamptz, timestamptz, integer) TO sluice_app;
