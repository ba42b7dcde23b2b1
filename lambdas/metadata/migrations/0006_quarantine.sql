SET LOCAL ROLE sluice_owner;

-- Who asked for an attempt and why, where a person did; `waivers`: {acceptRejects, overrideGate}, what the attempt was let off.
ALTER TABLE sluice.job_attempts ADD COLUMN requested_by text, ADD COLUMN requested_why text, ADD COLUMN waivers jsonb;

-- One record each time a source is quarantined: a job that is quarantined again, by a replay, has one more.
CREATE TABLE sluice.quarantine_records (
  tenant_id text NOT NULL,
  job_id text NOT NULL,
  attempt integer NOT NULL,
  -- The order in which records were opened; paging goes by it.
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  source_object_id text NOT NULL,
  dataset text NOT NULL,
  stage text NOT NULL,
  reason_code text NOT NULL,
  message text,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'released', 'discarded', 'superseded')),
  opened_at timestamptz NOT NULL,
  -- When, who and why, for a record that is closed.
  closed_at timestamptz,
  closed_by text,
  why text,
  -- The job that loaded the source, or that took its place.
  closing_job_id text,
  PRIMARY KEY (tenant_id, job_id, attempt),
  FOREIGN KEY (tenant_id, job_id) REFERENCES sluice.ingestion_jobs,
  FOREIGN KEY (tenant_id, source_object_id) REFERENCES sluice.source_objects,
  FOREIGN KEY (tenant_id, closing_job_id) REFERENCES sluice.ingestion_jobs (tenant_id, job_id),
  CHECK (CASE WHEN state = 'open' THEN num_nonnulls(closed_at, closed_by, why, closing_job_id) = 0
         ELSE num_nulls(closed_at, closed_by, why) = 0 END),
  CHECK ((state IN ('released', 'superseded')) = (closing_job_id IS NOT NULL))
);
CREATE INDEX quarantine_records_by_state ON sluice.quarantine_records (state, sequence DESC);
CREATE INDEX quarantine_records_by_tenant ON sluice.quarantine_records (tenant_id, state, sequence DESC);
CREATE INDEX quarantine_records_by_source ON sluice.quarantine_records (tenant_id, source_object_id) WHERE state = 'open';

-- open -> released | discarded | superseded, and no way back: who quarantines again opens another record.
CREATE FUNCTION sluice.enforce_quarantine_life() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.state <> 'open' THEN
      RAISE EXCEPTION 'Cannot quarantine job % as %: a record starts as open', NEW.job_id, NEW.state
        USING ERRCODE = 'check_violation', CONSTRAINT = 'quarantine_life';
    END IF;
    RETURN NEW;
  END IF;
  IF OLD.state <> 'open' OR NEW.state = 'open' THEN
    RAISE EXCEPTION 'Cannot take the quarantine record of job % from % to %', OLD.job_id, OLD.state, NEW.state
      USING ERRCODE = 'check_violation', CONSTRAINT = 'quarantine_life';
  END IF;
  IF (NEW.tenant_id, NEW.job_id, NEW.attempt, NEW.source_object_id, NEW.dataset, NEW.stage, NEW.reason_code, NEW.opened_at)
     IS DISTINCT FROM
     (OLD.tenant_id, OLD.job_id, OLD.attempt, OLD.source_object_id, OLD.dataset, OLD.stage, OLD.reason_code, OLD.opened_at) THEN
    RAISE EXCEPTION 'Cannot change what job % was quarantined for', OLD.job_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'quarantine_identity';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER enforce_quarantine_life BEFORE INSERT OR UPDATE ON sluice.quarantine_records
  FOR EACH ROW EXECUTE FUNCTION sluice.enforce_quarantine_life();

-- Jobs that were quarantined before there were records. The owner is bound by the policies unless it is let off for a moment.
ALTER TABLE sluice.ingestion_jobs NO FORCE ROW LEVEL SECURITY;
INSERT INTO sluice.quarantine_records
  (tenant_id, job_id, attempt, source_object_id, dataset, stage, reason_code, message, opened_at)
SELECT tenant_id, job_id, attempt, source_object_id, dataset,
  CASE WHEN refusal IS NOT NULL THEN 'REGISTER' WHEN reason_code IN ('gate_failed', 'gate_error') THEN 'DATA_QUALITY'
       WHEN run_id IS NOT NULL THEN 'TRANSFORM' ELSE 'INGEST_VALIDATION' END,
  coalesce(reason_code, 'unknown'), message, coalesce(closed_at, updated_at)
FROM sluice.ingestion_jobs WHERE status = 'QUARANTINED' ORDER BY sequence;
ALTER TABLE sluice.ingestion_jobs FORCE ROW LEVEL SECURITY;

ALTER TABLE sluice.quarantine_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE sluice.quarantine_records FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_rows ON sluice.quarantine_records
  USING (tenant_id = nullif(current_setting('app.tenant_id', true), ''))
  WITH CHECK (tenant_id = nullif(current_setting('app.tenant_id', true), ''));
REVOKE ALL ON sluice.quarantine_records FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE ON sluice.quarantine_records TO sluice_app;
GRANT SELECT ON sluice.quarantine_records TO sluice_admin;
CREATE POLICY admin_reads ON sluice.quarantine_records FOR SELECT TO sluice_admin USING (true);

SET LOCAL ROLE sluice_admin;

-- Records of all tenants, newest first, before a sequence number; NULL filters nothing.
CREATE FUNCTION sluice.admin_list_quarantine(of_state text, of_dataset text, of_reason text, opened_since timestamptz,
                                             opened_until timestamptz, before_sequence bigint, at_most integer)
RETURNS SETOF sluice.quarantine_records
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT * FROM sluice.quarantine_records
  WHERE (of_state IS NULL OR state = of_state) AND (of_dataset IS NULL OR dataset = of_dataset)
    AND (of_reason IS NULL OR reason_code = of_reason) AND (opened_since IS NULL OR opened_at >= opened_since)
    AND (opened_until IS NULL OR opened_at < opened_until) AND (before_sequence IS NULL OR sequence < before_sequence)
  ORDER BY sequence DESC LIMIT at_most
$$;

CREATE FUNCTION sluice.admin_count_quarantine(of_state text, of_dataset text, of_reason text, opened_since timestamptz,
                                              opened_until timestamptz)
RETURNS TABLE (reason_code text, records bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT q.reason_code, count(*) FROM sluice.quarantine_records q
  WHERE (of_state IS NULL OR q.state = of_state) AND (of_dataset IS NULL OR q.dataset = of_dataset)
    AND (of_reason IS NULL OR q.reason_code = of_reason) AND (opened_since IS NULL OR q.opened_at >= opened_since)
    AND (opened_until IS NULL OR q.opened_at < opened_until)
  GROUP BY q.reason_code
$$;

GRANT EXECUTE ON FUNCTION
  sluice.admin_list_quarantine(text, text, text, timestamptz, timestamptz, bigint, integer),
  sluice.admin_count_quarantine(text, text, text, timestamptz, timestamptz) TO sluice_app;
