SET LOCAL ROLE sluice_owner;

CREATE INDEX ingestion_jobs_by_mapping ON sluice.ingestion_jobs (tenant_id, dataset, mapping_hash, registered_at)
  WHERE mapping_hash IS NOT NULL;

SET LOCAL ROLE sluice_admin;

-- How often each mapping met what it could not map, by day of registration (UTC), newest day first; NULL filters nothing.
-- A job counts with the rows of its last attempt.
CREATE FUNCTION sluice.admin_mapping_errors(of_tenant text, of_dataset text, registered_since timestamptz,
                                            registered_until timestamptz, at_most integer)
RETURNS TABLE (day text, tenant_id text, dataset text, mapping_version integer, mapping_hash text, jobs bigint,
               quarantined_jobs bigint, input_rows bigint, rejected_rows bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT to_char(j.registered_at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), j.tenant_id, j.dataset, j.mapping_version, j.mapping_hash,
         count(*), count(*) FILTER (WHERE j.status = 'QUARANTINED'), coalesce(sum(j.input_rows), 0)::bigint,
         coalesce(sum(j.rejected_rows), 0)::bigint
  FROM sluice.ingestion_jobs j
  WHERE j.mapping_hash IS NOT NULL AND (of_tenant IS NULL OR j.tenant_id = of_tenant)
    AND (of_dataset IS NULL OR j.dataset = of_dataset)
    AND (registered_since IS NULL OR j.registered_at >= registered_since)
    AND (registered_until IS NULL OR j.registered_at < registered_until)
  GROUP BY 1, 2, 3, 4, 5
  ORDER BY 1 DESC, 2, 3, 4, 5 LIMIT at_most
$$;

GRANT EXECUTE ON FUNCTION sluice.admin_mapping_errors(text, text, timestamptz, timestamptz, integer) TO sluice_app;
