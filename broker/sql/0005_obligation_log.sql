-- Who owes which answer by when; and the data-sharing log.
SET ROLE corridor_owner;

-- state and kind: ObligationState, cor_duty. wake_at: when a tick next matters.
CREATE TABLE corridor.obligation (
  obligation_id bytea PRIMARY KEY,      -- derived from message, kind, responsible
  kind          smallint NOT NULL,
  responsible   text NOT NULL,
  counterpart   text NOT NULL,
  handle        bytea NOT NULL,
  case_handle   bytea NOT NULL,
  message_id    bytea NOT NULL,
  opened_at     bigint NOT NULL,
  due_at        bigint NOT NULL,
  state         smallint NOT NULL,
  level         smallint NOT NULL,
  wake_at       bigint,
  closed_at     bigint,
  closed_by     bytea
);
CREATE INDEX obligation_open ON corridor.obligation (handle, kind) WHERE state IN (1, 4, 5);
CREATE INDEX obligation_wake ON corridor.obligation (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX obligation_case ON corridor.obligation (case_handle);

-- Each state and level once: none lost, none twice.
CREATE TABLE corridor.obligation_event (
  obligation_id bytea NOT NULL,
  state         smallint NOT NULL,
  level         smallint NOT NULL,
  at            bigint NOT NULL,
  PRIMARY KEY (obligation_id, state, level)
);

-- leaf = SHA-256(0x00 || SHA-256(salt || record)). Leaf stays for ever; record
-- and salt can be purged together by the eraser. Numbering into the tree is the
-- sequencer's work.
CREATE TABLE corridor.log_leaf (
  leaf_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  leaf    bytea NOT NULL,
  at      bigint NOT NULL
);
CREATE TABLE corridor.log_record (
  leaf_id bigint PRIMARY KEY,
  salt    bytea NOT NULL,
  record  bytea NOT NULL                -- canonical LogRecord
);

CREATE TABLE corridor.refusal (
  leaf_id    bigint PRIMARY KEY,
  at         bigint NOT NULL,
  sender     text NOT NULL,
  recipient  text NOT NULL,
  message_id bytea NOT NULL,
  handle     bytea NOT NULL,
  type       smallint NOT NULL,
  code       integer NOT NULL
);
CREATE INDEX refusal_handle ON corridor.refusal (handle);

GRANT SELECT, INSERT, UPDATE ON corridor.obligation TO corridor_broker;
GRANT SELECT, INSERT ON corridor.obligation_event, corridor.log_leaf, corridor.log_record, corridor.refusal TO corridor_broker;
GRANT USAGE ON SEQUENCE corridor.log_leaf_leaf_id_seq TO corridor_broker;
GRANT SELECT ON corridor.log_leaf TO corridor_sequencer;
GRANT SELECT, DELETE ON corridor.log_record TO corridor_eraser;
GRANT SELECT ON corridor.log_leaf TO corridor_eraser;
RESET ROLE;
