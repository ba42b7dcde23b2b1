SET LOCAL ROLE sluice_owner;

-- The versions of an object: each job that completes asks for those that still wait in quarantine.
CREATE INDEX source_objects_by_key ON sluice.source_objects (tenant_id, bucket, object_key);
