-- Roles. Passwords and pg_hba are the administrator's: nothing here opens a door.
-- owner: owns every object, never logs in. broker: the core process. sequencer:
-- numbers log leaves. eraser: purges payloads and log records. oversight and
-- statistics: read views only.
DO $$
DECLARE r text;
BEGIN
  FOREACH r IN ARRAY ARRAY['corridor_owner'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I NOLOGIN', r);
    END IF;
  END LOOP;
  FOREACH r IN ARRAY ARRAY['corridor_broker', 'corridor_sequencer', 'corridor_eraser',
                           'corridor_oversight', 'corridor_statistics'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = r) THEN
      EXECUTE format('CREATE ROLE %I LOGIN', r);
    END IF;
  END LOOP;
END $$;
CREATE SCHEMA IF NOT EXISTS corridor AUTHORIZATION corridor_owner;
CREATE SCHEMA IF NOT EXISTS oversight AUTHORIZATION corridor_owner;
CREATE SCHEMA IF NOT EXISTS statistics AUTHORIZATION corridor_owner;
GRANT USAGE ON SCHEMA corridor TO corridor_broker, corridor_sequencer, corridor_eraser;
GRANT USAGE ON SCHEMA oversight TO corridor_oversight;
GRANT USAGE ON SCHEMA statistics TO corridor_statistics;
