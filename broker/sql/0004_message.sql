-- Messages, deliveries, the dedupe memory.
SET ROLE corridor_owner;

-- Partitioned by admission time; body is the seal (or a coded record) and goes
-- after the last receipt plus grace, the digest in the header stays.
CREATE TABLE corridor.message (
  message_id  bytea NOT NULL,
  admitted_at bigint NOT NULL,
  sender      text NOT NULL,
  recipient   text NOT NULL,
  compartment smallint NOT NULL,
  handle      bytea NOT NULL,
  case_handle bytea,                    -- null: hub notices without a case
  type        smallint NOT NULL,
  purpose     smallint NOT NULL,
  categories  integer NOT NULL,
  basis       smallint NOT NULL,
  consent_id  bytea,                    -- of the header, or of an offer's cover
  expires_at  bigint NOT NULL,
  late        boolean NOT NULL,
  header_hash bytea NOT NULL,
  header      bytea NOT NULL,
  signature   bytea NOT NULL,
  cover       bytea,                    -- hub-only, never delivered
  body        bytea,
  PRIMARY KEY (message_id, admitted_at)
) PARTITION BY RANGE (admitted_at);
CREATE TABLE corridor.message_other PARTITION OF corridor.message DEFAULT;
ALTER TABLE corridor.message ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX message_case ON corridor.message (case_handle);

-- state: 0 held, 1 queued, 2 claimed, 3 delivered, 4 stopped, 5 expired.
-- lane: 0 in order per (recipient, handle), 1 overtakes.
CREATE TABLE corridor.delivery (
  sequence         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  message_id       bytea NOT NULL,
  admitted_at      bigint NOT NULL,
  sender           text NOT NULL,
  recipient        text NOT NULL,
  handle           bytea NOT NULL,
  case_handle      bytea,
  lane             smallint NOT NULL,
  state            smallint NOT NULL,
  expires_at       bigint NOT NULL,
  released_at      bigint,
  claims           integer NOT NULL DEFAULT 0,
  first_claimed_at bigint,
  claim_leaf       bigint,              -- log record of the first claim
  lease_until      bigint,
  lease_broker     text,
  delivered_at     bigint,
  receipt          bytea,               -- SignedContent of the recipient
  stop_code        integer
) WITH (fillfactor = 70);
CREATE INDEX delivery_waiting ON corridor.delivery (recipient, lane, sequence) WHERE state IN (1, 2);
CREATE INDEX delivery_order ON corridor.delivery (recipient, handle, sequence) WHERE state IN (1, 2) AND lane = 0;
CREATE INDEX delivery_lease ON corridor.delivery (lease_until) WHERE state = 2;
CREATE INDEX delivery_expiry ON corridor.delivery (expires_at) WHERE state IN (0, 1);
CREATE INDEX delivery_case ON corridor.delivery (case_handle);
CREATE UNIQUE INDEX delivery_message ON corridor.delivery (message_id, sender);

-- Stands by itself and outlives every payload: admissions only.
CREATE TABLE corridor.dedupe (
  sender      text NOT NULL,
  message_id  bytea NOT NULL,
  header_hash bytea NOT NULL,
  receipt     bytea NOT NULL,           -- SignedContent, byte for byte the first
  admitted_at bigint NOT NULL,
  PRIMARY KEY (sender, message_id)
) PARTITION BY HASH (sender, message_id);
DO $$
BEGIN
  FOR i IN 0..7 LOOP
    EXECUTE format('CREATE TABLE corridor.dedupe_%s PARTITION OF corridor.dedupe FOR VALUES WITH (MODULUS 8, REMAINDER %s)', i, i);
  END LOOP;
END $$;

-- Monthly partitions of message around a time; the broker may only ask for it.
CREATE FUNCTION corridor.ensure_partitions(at_ms bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = corridor, pg_temp AS $$
DECLARE
  first timestamp := date_trunc('month', timestamp '1970-01-01' + at_ms * interval '1 millisecond');
  low timestamp;
  name text;
BEGIN
  FOR i IN 0..1 LOOP
    low := first + i * interval '1 month';
    name := 'message_' || to_char(low, 'YYYYMM');
    IF to_regclass('corridor.' || name) IS NULL THEN
      BEGIN
        EXECUTE format('CREATE TABLE corridor.%I PARTITION OF corridor.message FOR VALUES FROM (%s) TO (%s)', name,
          (extract(epoch FROM low) * 1000)::bigint, (extract(epoch FROM low + interval '1 month') * 1000)::bigint);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON corridor.%I TO corridor_broker', name);
      EXCEPTION WHEN duplicate_table OR unique_violation THEN
        NULL; -- another connection made it at the same moment
      WHEN check_violation THEN
        -- A row of this month already stands in message_other (the clock leapt):
        -- the month goes on there.
        NULL;
      END;
    END IF;
  END LOOP;
END $$;
REVOKE ALL ON FUNCTION corridor.ensure_partitions(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION corridor.ensure_partitions(bigint) TO corridor_broker;
GRANT SELECT, INSERT, UPDATE ON corridor.message, corridor.delivery TO corridor_broker;
GRANT SELECT, INSERT ON corridor.dedupe TO corridor_broker;
GRANT UPDATE (body) ON corridor.message TO corridor_eraser;
GRANT SELECT ON corridor.message, corridor.delivery TO corridor_eraser;
RESET ROLE;
