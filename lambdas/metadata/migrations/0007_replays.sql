SET LOCAL ROLE sluice_owner;

-- One row a replay that was accepted; manifest, plan and outcome of each source lie in the replay bucket under audit/.
CREATE TABLE sluice.replays (
  replay_id text PRIMARY KEY CHECK (replay_id ~ '^[a-z0-9][a-z0-9-]{2,47}$'),
  -- Of the exact bytes: the same id with other bytes is another manifest, and refused.
  manifest_sha256 text NOT NULL CHECK (manifest_sha256 ~ '^[0-9a-f]{64}$'),
  reason text NOT NULL,
  requested_by text NOT NULL,
  configuration text NOT NULL CHECK (configuration IN ('original', 'current')),
  options jsonb NOT NULL,
  status text NOT NULL DEFAULT 'PLANNING' CHECK (status IN ('PLANNING', 'RUNNING', 'COMPLETED')),
  -- The execution of the replay machine that carries it on; another takes over only when that one has ended.
  execution_arn text NOT NULL,
  sources integer,
  runs integer,
  totals jsonb,
  accepted_at timestamptz NOT NULL,
  planned_at timestamptz,
  closed_at timestamptz,
  CHECK ((status = 'PLANNING') = (planned_at IS NULL)),
  CHECK ((status = 'COMPLETED') = (closed_at IS NOT NULL))
);

CREATE FUNCTION sluice.enforce_replay_life() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF (NEW.replay_id, NEW.manifest_sha256, NEW.reason, NEW.requested_by, NEW.configuration, NEW.options, NEW.accepted_at)
     IS DISTINCT FROM
     (OLD.replay_id, OLD.manifest_sha256, OLD.reason, OLD.requested_by, OLD.configuration, OLD.options, OLD.accepted_at) THEN
    RAISE EXCEPTION 'Cannot change what replay % is', OLD.replay_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'replay_identity';
  END IF;
  IF OLD.status = 'COMPLETED' OR (OLD.status = 'RUNNING' AND NEW.status = 'PLANNING') THEN
    RAISE EXCEPTION 'Cannot take replay % from % to %', OLD.replay_id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'replay_life';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER enforce_replay_life BEFORE UPDATE ON sluice.replays
  FOR EACH ROW EXECUTE FUNCTION sluice.enforce_replay_life();

-- A replay may span tenants, so no policy by tenant fits; only operators' requests read or write it.
REVOKE ALL ON sluice.replays FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON sluice.replays TO sluice_app;

CREATE INDEX source_objects_by_landing ON sluice.source_objects (tenant_id, landed_at);
CREATE INDEX job_attempts_by_replay ON sluice.job_attempts (replay_id) WHERE replay_id IS NOT NULL;
GRANT SELECT ON sluice.job_attempts TO sluice_admin;
CREATE POLICY admin_reads ON sluice.job_attempts FOR SELECT TO sluice_admin USING (true);

SET LOCAL ROLE sluice_admin;

-- Sources whose last job fits, oldest first; NULL filters nothing.
CREATE FUNCTION sluice.admin_select_sources(of_tenant text, of_dataset text, landed_from timestamptz, landed_to timestamptz,
                                            of_status text, of_reason text, key_prefix text, at_most integer)
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT last.source_object_id FROM (
    SELECT DISTINCT ON (j.tenant_id, j.source_object_id)
      j.source_object_id, j.status, j.reason_code, s.landed_at, s.object_key, s.version_id
    FROM sluice.ingestion_jobs j JOIN sluice.source_objects s USING (tenant_id, source_object_id)
    WHERE (of_tenant IS NULL OR j.tenant_id = of_tenant) AND (of_dataset IS NULL OR j.dataset = of_dataset)
      AND (landed_from IS NULL OR s.landed_at >= landed_from) AND (landed_to IS NULL OR s.landed_at < landed_to)
      AND (key_prefix IS NULL OR starts_with(s.object_key, key_prefix))
    ORDER BY j.tenant_id, j.source_object_id, j.sequence DESC
  ) last
  WHERE (of_status IS NULL OR last.status = of_status) AND (of_reason IS NULL OR last.reason_code = of_reason)
  ORDER BY last.landed_at, last.object_key, last.version_id LIMIT at_most
$$;

CREATE FUNCTION sluice.admin_sources_of_jobs(of_job_ids text[])
RETURNS TABLE (job_id text, source_object_id text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT job_id, source_object_id FROM sluice.ingestion_jobs WHERE job_id = ANY (of_job_ids)
$$;

-- Every job of the given sources, in the order of registration. `published`: an attempt of it was loaded.
CREATE FUNCTION sluice.admin_jobs_of_sources(of_ids text[])
RETURNS TABLE (source_object_id text, job_id text, status text, refusal text, attempt integer, publication integer,
               deferred boolean, lease_expires_at timestamptz, configuration_hash text, compiler_version text,
               published boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT j.source_object_id, j.job_id, j.status, j.refusal, j.attempt, j.publication, j.deferred_at IS NOT NULL,
         j.lease_expires_at, j.configuration_hash, j.compiler_version,
         EXISTS (SELECT FROM sluice.job_attempts a
                 WHERE a.tenant_id = j.tenant_id AND a.job_id = j.job_id AND a.status = 'COMPLETED')
  FROM sluice.ingestion_jobs j WHERE j.source_object_id = ANY (of_ids) ORDER BY j.sequence
$$;

-- What became of executions: what each was answered, and how its attempt stands. Counts are those of the last attempt.
CREATE FUNCTION sluice.admin_outcomes(of_execution_arns text[])
RETURNS TABLE (execution_arn text, decision text, job_id text, job_status text, deferred boolean, attempt integer,
               status text, reason_code text, run_id text, publication integer, is_last boolean, input_rows bigint,
               curated_rows bigint, rejected_rows bigint, duplicate_rows bigint, inserted_rows bigint, updated_rows bigint,
               unchanged_rows bigint, stale_rows bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT e.execution_arn, e.decision, e.job_id, j.status, j.deferred_at IS NOT NULL, e.attempt, a.status, a.reason_code,
         a.run_id, a.publication, a.attempt = j.attempt, j.input_rows, j.curated_rows, j.rejected_rows, j.duplicate_rows,
         j.inserted_rows, j.updated_rows, j.unchanged_rows, j.stale_rows
  FROM sluice.job_executions e
  JOIN sluice.ingestion_jobs j ON j.tenant_id = e.tenant_id AND j.job_id = e.job_id
  LEFT JOIN sluice.job_attempts a ON a.tenant_id = e.tenant_id AND a.job_id = e.job_id AND a.attempt = e.attempt
  WHERE e.execution_arn = ANY (of_execution_arns)
$$;

-- How far a replay is: its attempts by status.
CREATE FUNCTION sluice.admin_replay_progress(of_replay_id text) RETURNS TABLE (status text, attempts bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT a.status, count(*) FROM sluice.job_attempts a WHERE a.replay_id = of_replay_id GROUP BY a.status
$$;

GRANT EXECUTE ON FUNCTION
  sluice.admin_select_sources(text, text, timestamptz, timestamptz, text, text, text, integer),
  sluice.admin_sources_of_jobs(text[]), sluice.admin_jobs_of_sources(text[]), sluice.admin_outcomes(text[]),
  sluice.admin_replay_progress(text) TO sluice_app;
