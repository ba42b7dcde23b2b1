SET LOCAL ROLE sluice_owner;

-- What started an attempt: an event, the sweep, or a person, whose call is `manual` and whose name is requested_by. The owner is
-- bound by the policies of rows, a change of type is not.
ALTER TABLE sluice.job_attempts ADD COLUMN trigger text NOT NULL DEFAULT 'event';
ALTER TABLE sluice.job_attempts
  ALTER COLUMN trigger TYPE text USING CASE WHEN replay_id IS NULL THEN 'event' ELSE 'manual' END,
  ALTER COLUMN trigger DROP DEFAULT,
  ADD CONSTRAINT job_attempts_trigger CHECK (trigger IN ('event', 'manual', 'sweep'));

SET LOCAL ROLE sluice_admin;

-- As before, with the time of registration, which is a job's clock.
DROP FUNCTION sluice.admin_jobs_of_sources(text[]);
CREATE FUNCTION sluice.admin_jobs_of_sources(of_ids text[])
RETURNS TABLE (source_object_id text, job_id text, status text, refusal text, attempt integer, publication integer,
               deferred boolean, lease_expires_at timestamptz, configuration_hash text, compiler_version text,
               published boolean, registered_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT j.source_object_id, j.job_id, j.status, j.refusal, j.attempt, j.publication, j.deferred_at IS NOT NULL,
         j.lease_expires_at, j.configuration_hash, j.compiler_version,
         EXISTS (SELECT FROM sluice.job_attempts a
                 WHERE a.tenant_id = j.tenant_id AND a.job_id = j.job_id AND a.status = 'COMPLETED'),
         j.registered_at
  FROM sluice.ingestion_jobs j WHERE j.source_object_id = ANY (of_ids) ORDER BY j.sequence
$$;
GRANT EXECUTE ON FUNCTION sluice.admin_jobs_of_sources(text[]) TO sluice_app;
