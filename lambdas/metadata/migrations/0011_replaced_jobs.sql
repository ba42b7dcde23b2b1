SET LOCAL ROLE sluice_owner;

-- As before, and a job that waits is SKIPPED when another one takes its place: one of the same source under the same documents and
-- the compiler that is deployed now.
CREATE OR REPLACE FUNCTION sluice.enforce_job_life() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  opens boolean;
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.status <> 'PENDING' THEN
      RAISE EXCEPTION 'Cannot register job % as %: a job starts as PENDING', NEW.job_id, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'job_life';
    END IF;
    RETURN NEW;
  END IF;
  IF (NEW.tenant_id, NEW.job_id, NEW.source_object_id, NEW.configuration_hash, NEW.registered_at)
     IS DISTINCT FROM (OLD.tenant_id, OLD.job_id, OLD.source_object_id, OLD.configuration_hash, OLD.registered_at) THEN
    RAISE EXCEPTION 'Cannot change what job % is', OLD.job_id USING ERRCODE = 'check_violation', CONSTRAINT = 'job_identity';
  END IF;
  IF NEW.status = OLD.status THEN
    RETURN NEW;
  END IF;
  opens := NEW.attempt > OLD.attempt OR NEW.redrives > OLD.redrives;
  IF NOT (
    (OLD.status = 'PENDING' AND NEW.status IN ('PROCESSING', 'FAILED'))
    OR (OLD.status = 'PENDING' AND NEW.status = 'SKIPPED' AND NEW.duplicate_of IS NOT NULL)
    OR (OLD.status = 'PROCESSING' AND NEW.status IN ('COMPLETED', 'QUARANTINED', 'FAILED', 'SKIPPED'))
    OR (OLD.status IN ('FAILED', 'QUARANTINED') AND NEW.status = 'PROCESSING' AND opens)
    OR (OLD.status = 'SKIPPED' AND NEW.status = 'PROCESSING' AND NEW.attempt > OLD.attempt)
    OR (OLD.status = 'COMPLETED' AND NEW.status = 'PROCESSING' AND NEW.attempt > OLD.attempt
        AND NEW.publication > OLD.publication)
  ) THEN
    RAISE EXCEPTION 'Cannot take job % from % to %', OLD.job_id, OLD.status, NEW.status
      USING ERRCODE = 'check_violation', CONSTRAINT = 'job_life';
  END IF;
  RETURN NEW;
END
$$;
