-- Cases, standing, consent, referrals: what the gate looks at. Handles are
-- random; no name, birth date or reference number is ever stored here.
SET ROLE corridor_owner;

CREATE TABLE corridor.avrr_case (
  handle          bytea PRIMARY KEY,
  programme       text NOT NULL,
  return_type     smallint NOT NULL,
  host_office     text NOT NULL,
  origin_office   text NOT NULL,
  reference_hash  bytea NOT NULL,         -- alone not unique: a refusal would tell that it exists
  withdrawal_hash bytea NOT NULL,
  declared_on     integer NOT NULL,     -- day number
  registered_at   bigint NOT NULL,
  withdrawn_at    bigint                -- every consent of the case withdrawn
);

CREATE UNIQUE INDEX avrr_case_reference ON corridor.avrr_case (reference_hash, withdrawal_hash);

-- The one lookup: absent means "no standing", and nothing else is touched.
CREATE TABLE corridor.standing (
  office      text NOT NULL,
  handle      bytea NOT NULL,           -- case handle, or referral handle
  case_handle bytea NOT NULL,
  since       bigint NOT NULL,
  PRIMARY KEY (office, handle)
);
CREATE INDEX standing_case ON corridor.standing (case_handle);

-- What was admitted for a handle, and the last coded answer: preconditions.
CREATE TABLE corridor.step (
  handle  bytea NOT NULL,
  type    smallint NOT NULL,
  outcome smallint NOT NULL,
  at      bigint NOT NULL,
  PRIMARY KEY (handle, type)
);

CREATE TABLE corridor.consent (
  consent_id      bytea NOT NULL,
  version         integer NOT NULL,
  case_handle     bytea NOT NULL,
  taken_by        text NOT NULL,
  valid_from      bigint NOT NULL,
  valid_until     bigint NOT NULL,
  evidence_sha256 bytea NOT NULL,
  message_id      bytea NOT NULL,       -- the signed record
  recorded_at     bigint NOT NULL,
  withdrawn_at    bigint,
  PRIMARY KEY (consent_id, version)
);
CREATE INDEX consent_case ON corridor.consent (case_handle);

CREATE TABLE corridor.consent_scope (
  consent_id       bytea NOT NULL,
  version          integer NOT NULL,
  n                smallint NOT NULL,
  scope            smallint NOT NULL,
  purpose          smallint NOT NULL,
  categories       integer NOT NULL,    -- bit per DataCategory
  recipient_office text NOT NULL,       -- '' = by role
  recipient_role   smallint NOT NULL,
  onward           boolean NOT NULL,
  PRIMARY KEY (consent_id, version, n)
);

CREATE TABLE corridor.withdrawal (
  message_id   bytea NOT NULL,
  case_handle  bytea NOT NULL,
  consent_id   bytea,                   -- null = all
  by_office    text NOT NULL,
  withdrawn_at bigint NOT NULL,
  PRIMARY KEY (message_id, by_office)
);
CREATE INDEX withdrawal_case ON corridor.withdrawal (case_handle);

-- One row per offer; offers of one need share referral_id. state: 0 held,
-- 1 offered, 2 accepted, 3 declined, 4 lapsed, 5 taken by another, 6 stopped.
CREATE TABLE corridor.referral (
  handle      bytea PRIMARY KEY,
  referral_id bytea NOT NULL,
  case_handle bytea NOT NULL,
  consent_id  bytea NOT NULL,
  asker       text NOT NULL,
  provider    text NOT NULL,
  rank        integer NOT NULL,
  categories  integer NOT NULL,
  message_id  bytea NOT NULL,
  state       smallint NOT NULL,
  changed_at  bigint NOT NULL,
  UNIQUE (referral_id, rank)
);
CREATE UNIQUE INDEX referral_one_holder ON corridor.referral (referral_id) WHERE state = 2;
CREATE INDEX referral_case ON corridor.referral (case_handle);

GRANT SELECT, INSERT, UPDATE ON corridor.avrr_case, corridor.standing, corridor.step, corridor.consent,
  corridor.consent_scope, corridor.withdrawal, corridor.referral TO corridor_broker;
RESET ROLE;
