-- Three roles, none of which bypasses row-level security or is a superuser:
--   sluice_owner  owns the tables; FORCE ROW LEVEL SECURITY filters it too
--   sluice_app    what every transaction of the metadata function runs as; sees one tenant at a time
--   sluice_admin  owns the SECURITY DEFINER functions, the only way to what spans tenants; nobody logs in as it
DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_owner') THEN
    CREATE ROLE sluice_owner NOLOGIN NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_admin') THEN
    CREATE ROLE sluice_admin NOLOGIN NOBYPASSRLS;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'sluice_app') THEN
    CREATE ROLE sluice_app LOGIN NOBYPASSRLS;
  END IF;
  -- On Amazon RDS: log in by IAM token only.
  IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'rds_iam') THEN
    GRANT rds_iam TO sluice_app;
  END IF;
  -- Handing objects over to a role needs membership in it.
  EXECUTE format('GRANT sluice_owner, sluice_admin TO %I', current_user);
  EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO sluice_app', current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA sluice FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA sluice TO sluice_owner;
GRANT USAGE, CREATE ON SCHEMA sluice TO sluice_admin;
GRANT USAGE ON SCHEMA sluice TO sluice_app;

-- Functions are for everybody unless said otherwise; here nobody may call one that was not granted.
ALTER DEFAULT PRIVILEGES FOR ROLE sluice_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE sluice_admin REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
