-- Who exists (from the CA-signed card list) and the one row every batch shares.
-- Times are milliseconds since 1970 UTC, given by the caller's clock.
SET ROLE corridor_owner;

CREATE TABLE corridor.card_list (
  number      bigint PRIMARY KEY,
  signed      bytea  NOT NULL,          -- SignedContent, as the CA made it
  issued_at   bigint NOT NULL,
  expires_at  bigint NOT NULL,
  imported_at bigint NOT NULL
);

CREATE TABLE corridor.office (
  id           text PRIMARY KEY,
  role         smallint NOT NULL,
  country      text NOT NULL,
  name         text NOT NULL,
  state        smallint NOT NULL,       -- CardState on the newest list
  suspended_at bigint                   -- by the hub itself; only the CA reinstates
);

-- Admission and claim hold it FOR SHARE, changes of cards FOR UPDATE: no batch
-- is decided on cards or agreements that were replaced before it commits.
CREATE TABLE corridor.gate_epoch (
  one   boolean PRIMARY KEY DEFAULT true CHECK (one),
  epoch bigint NOT NULL
);
INSERT INTO corridor.gate_epoch (epoch) VALUES (1);

-- Highest committed gate time per broker: time never runs back over a restart.
CREATE TABLE corridor.gate_time (
  broker       text PRIMARY KEY,
  committed_at bigint NOT NULL
);

-- One session per office, fenced by session_epoch; the store behind it.
CREATE TABLE corridor.agent_store (
  office        text PRIMARY KEY,
  store_epoch   bytea NOT NULL,
  sequence      bigint NOT NULL,        -- highest delivery receipted by this store
  session_epoch bigint NOT NULL,
  connected_at  bigint NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON corridor.card_list, corridor.office, corridor.gate_epoch,
  corridor.gate_time, corridor.agent_store TO corridor_broker;
RESET ROLE;
