SET LOCAL ROLE sluice_owner;

CREATE TABLE sluice.tenants (
  tenant_id text PRIMARY KEY CHECK (tenant_id ~ '^[a-z][a-z0-9-]{1,23}$'),
  name text NOT NULL,
  status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  -- Admission: jobs in state PROCESSING at once.
  max_active_jobs integer NOT NULL DEFAULT 100 CHECK (max_active_jobs > 0),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

-- Every version that a job ever pinned stays; `current` marks what the next job pins.
CREATE TABLE sluice.contracts (
  dataset text NOT NULL,
  version integer NOT NULL,
  hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
  document jsonb NOT NULL,
  current boolean NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (dataset, version, hash)
);
CREATE UNIQUE INDEX contracts_current ON sluice.contracts (dataset, version) WHERE current;

CREATE TABLE sluice.rulesets (
  dataset text NOT NULL,
  version integer NOT NULL,
  hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
  -- {dqdl, translations}
  document jsonb NOT NULL,
  current boolean NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (dataset, hash),
  UNIQUE (dataset, version)
);
CREATE UNIQUE INDEX rulesets_current ON sluice.rulesets (dataset) WHERE current;

CREATE TABLE sluice.ingestion_mappings (
  tenant_id text NOT NULL REFERENCES sluice.tenants,
  dataset text NOT NULL,
  -- The content hash is the mapping's id: an edited text is another mapping, whatever version it names.
  hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
  version integer NOT NULL,
  contract_version integer NOT NULL,
  document jsonb NOT NULL,
  current boolean NOT NULL,
  -- `tenant`: changed by the tenant; seeding never replaces it.
  origin text NOT NULL CHECK (origin IN ('seed', 'tenant')),
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, dataset, hash)
);
CREATE UNIQUE INDEX ingestion_mappings_current ON sluice.ingestion_mappings (tenant_id, dataset) WHERE current;

CREATE TABLE sluice.upload_sessions (
  tenant_id text NOT NULL REFERENCES sluice.tenants,
  session_id text NOT NULL,
  bucket text NOT NULL,
  object_key text NOT NULL,
  expected_sha256 text CHECK (expected_sha256 ~ '^[0-9a-f]{64}$'),
  expected_size_bytes bigint,
  expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, session_id)
);
CREATE INDEX upload_sessions_by_key ON sluice.upload_sessions (tenant_id, bucket, object_key, expires_at);

-- No reference to tenants: a file of an unknown tenant has a source and a job too, under the name in its key.
CREATE TABLE sluice.source_objects (
  tenant_id text NOT NULL,
  -- Hash of bucket, key and versionId; an ETag never is an identity.
  source_object_id text NOT NULL,
  bucket text NOT NULL,
  object_key text NOT NULL,
  version_id text NOT NULL,
  size_bytes bigint NOT NULL,
  etag text NOT NULL,
  sequencer text NOT NULL,
  landed_at timestamptz NOT NULL,
  sha256 text CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  PRIMARY KEY (tenant_id, source_object_id)
);
CREATE INDEX source_objects_by_sha256 ON sluice.source_objects (tenant_id, sha256) WHERE sha256 IS NOT NULL;
-- The id is a hash of bucket, key and version: whoever knows those finds the source.
CREATE INDEX source_objects_by_id ON sluice.source_objects (source_object_id);

CREATE TABLE sluice.ingestion_jobs (
  tenant_id text NOT NULL,
  job_id text NOT NULL UNIQUE CHECK (job_id ~ '^j[0-9a-f]{24}$'),
  -- The order in which jobs were registered; paging goes by it.
  sequence bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
  source_object_id text NOT NULL,
  dataset text NOT NULL,
  status text NOT NULL,
  reason_code text,
  message text,
  -- Set when the job was refused before any configuration could be pinned.
  refusal text,
  source_type text NOT NULL,
  trigger text NOT NULL,
  idempotency_key text NOT NULL,
  configuration_hash text NOT NULL,
  contract_version integer,
  contract_hash text,
  mapping_hash text,
  mapping_version integer,
  ruleset_hash text,
  ruleset_version integer,
  compiler_version text,
  -- Counted from 1.
  attempt integer NOT NULL,
  attempt_kind text NOT NULL,
  redrives integer NOT NULL DEFAULT 0,
  publication integer NOT NULL DEFAULT 1,
  replay_id text,
  execution_arn text NOT NULL,
  run_id text,
  duplicate_of text,
  input_rows bigint,
  curated_rows bigint,
  rejected_rows bigint,
  duplicate_rows bigint,
  inserted_rows bigint,
  updated_rows bigint,
  unchanged_rows bigint,
  stale_rows bigint,
  score double precision,
  drift jsonb,
  objects jsonb NOT NULL DEFAULT '{}',
  -- The slot of the active-jobs quota; after this time it counts no more.
  lease_expires_at timestamptz,
  deferred_at timestamptz,
  checked_at timestamptz,
  registered_at timestamptz NOT NULL,
  processing_at timestamptz,
  closed_at timestamptz,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, job_id),
  -- One job a source and configuration, enforced here and not by reading first.
  UNIQUE (tenant_id, source_object_id, configuration_hash),
  FOREIGN KEY (tenant_id, source_object_id) REFERENCES sluice.source_objects,
  FOREIGN KEY (dataset, contract_version, contract_hash) REFERENCES sluice.contracts,
  FOREIGN KEY (dataset, ruleset_hash) REFERENCES sluice.rulesets,
  FOREIGN KEY (tenant_id, dataset, mapping_hash) REFERENCES sluice.ingestion_mappings,
  CHECK (refusal IS NOT NULL OR (contract_hash IS NOT NULL AND contract_version IS NOT NULL AND mapping_hash IS NOT NULL
    AND mapping_version IS NOT NULL AND ruleset_hash IS NOT NULL AND compiler_version IS NOT NULL))
);
CREATE INDEX ingestion_jobs_by_tenant ON sluice.ingestion_jobs (tenant_id, sequence DESC);
CREATE INDEX ingestion_jobs_by_tenant_status ON sluice.ingestion_jobs (tenant_id, status, sequence DESC);
CREATE INDEX ingestion_jobs_by_source ON sluice.ingestion_jobs (source_object_id);
CREATE INDEX ingestion_jobs_by_status ON sluice.ingestion_jobs (status, sequence DESC);

CREATE TABLE sluice.job_attempts (
  tenant_id text NOT NULL,
  job_id text NOT NULL,
  attempt integer NOT NULL,
  kind text NOT NULL,
  execution_arn text NOT NULL,
  replay_id text,
  publication integer NOT NULL,
  status text NOT NULL,
  reason_code text,
  run_id text,
  opened_at timestamptz NOT NULL,
  closed_at timestamptz,
  PRIMARY KEY (tenant_id, job_id, attempt),
  FOREIGN KEY (tenant_id, job_id) REFERENCES sluice.ingestion_jobs
);

-- What each execution was answered: asking twice gives the same answer.
CREATE TABLE sluice.job_executions (
  tenant_id text NOT NULL,
  execution_arn text NOT NULL UNIQUE,
  job_id text NOT NULL,
  attempt integer NOT NULL,
  decision text NOT NULL CHECK (decision IN ('run', 'duplicate', 'wait', 'refuse')),
  registered_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, execution_arn),
  FOREIGN KEY (tenant_id, job_id) REFERENCES sluice.ingestion_jobs
);

CREATE TABLE sluice.job_transitions (
  tenant_id text NOT NULL,
  job_id text NOT NULL,
  ordinal bigint GENERATED ALWAYS AS IDENTITY,
  from_status text,
  to_status text NOT NULL,
  attempt integer NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, job_id, ordinal),
  FOREIGN KEY (tenant_id, job_id) REFERENCES sluice.ingestion_jobs
);

CREATE TABLE sluice.job_stages (
  tenant_id text NOT NULL,
  job_id text NOT NULL,
  attempt integer NOT NULL,
  ordinal integer NOT NULL,
  name text NOT NULL,
  started_at timestamptz NOT NULL,
  millis bigint NOT NULL,
  PRIMARY KEY (tenant_id, job_id, attempt, ordinal),
  FOREIGN KEY (tenant_id, job_id) REFERENCES sluice.ingestion_jobs
);

CREATE TABLE sluice.ingestion_errors (
  tenant_id text NOT NULL,
  job_id text NOT NULL,
  attempt integer NOT NULL,
  ordinal integer NOT NULL,
  record_number bigint NOT NULL,
  codes text NOT NULL,
  columns text NOT NULL,
  -- JSON array of {code, column, value, message}.
  errors text NOT NULL,
  -- At most 1,024 characters of the record, never more.
  raw_payload text,
  PRIMARY KEY (tenant_id, job_id, attempt, ordinal),
  FOREIGN KEY (tenant_id, job_id) REFERENCES sluice.ingestion_jobs
);
