-- Withdrawal without the code, and in part; questions about what was told.
SET ROLE corridor_owner;
INSERT INTO corridor.code_name (kind, code, name) VALUES
  ('type', 4, 'SuspensionAnswer'), ('type', 5, 'DataRequest'), ('type', 26, 'DataStatement'),
  ('type', 19, 'HandoverAttachment'), ('type', 29, 'ReportAttachment'),
  ('type', 34, 'SuspensionNotice'), ('type', 35, 'DataNotice'), ('delivery', 8, 'suspended'),
  ('duty', 7, 'SUSPENSION_ANSWER'), ('duty', 8, 'DATA_ANSWER'), ('part', 5, 'CONSENT_POLICY'),
  ('part', 6, 'ROLE');

-- In the case's own row: who has that locked FOR SHARE reads the truth.
ALTER TABLE corridor.avrr_case ADD COLUMN suspended_at bigint;   -- null: goes on

-- One row a suspension. Whom it was put to, and the notice that asked, are filled in
-- after the commit that suspended (suspension.c says why).
CREATE TABLE corridor.suspension (
  n           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  case_handle bytea NOT NULL,
  message_id  bytea NOT NULL,           -- the word without the code
  by_office   text NOT NULL,
  began_at    bigint NOT NULL,
  asked       text,
  notice_id   bytea,
  ended_at    bigint,
  ended_by    bytea                     -- message id of the answer, or of a withdrawal
);
CREATE INDEX suspension_case ON corridor.suspension (case_handle);
CREATE UNIQUE INDEX suspension_open ON corridor.suspension (case_handle) WHERE ended_at IS NULL;
CREATE INDEX suspension_unasked ON corridor.suspension (began_at) WHERE notice_id IS NULL AND ended_at IS NULL;

-- Withdrawals nothing proved, for 24 hours: reference is the hash that was shown,
-- empty if none was.
CREATE TABLE corridor.withdrawal_attempt (
  n         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  office    text NOT NULL,
  reference bytea NOT NULL,
  with_code boolean NOT NULL,
  at        bigint NOT NULL
);
CREATE INDEX withdrawal_attempt_office ON corridor.withdrawal_attempt (office, at);
CREATE INDEX withdrawal_attempt_code ON corridor.withdrawal_attempt (office, reference, at) WHERE with_code;
CREATE INDEX withdrawal_attempt_at ON corridor.withdrawal_attempt (at);
-- The broker removes nothing; it may only ask for this.
CREATE FUNCTION corridor.forget_withdrawal_attempts(until_ms bigint) RETURNS void LANGUAGE sql
  SECURITY DEFINER SET search_path = corridor, pg_temp
  BEGIN ATOMIC DELETE FROM corridor.withdrawal_attempt WHERE at <= until_ms; END;
REVOKE ALL ON FUNCTION corridor.forget_withdrawal_attempts(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION corridor.forget_withdrawal_attempts(bigint) TO corridor_broker;

-- A part of a consent taken back: of a scope that names an office or stands for a
-- purpose, the scope; of a class of offices, one of them.
ALTER TABLE corridor.consent_scope ADD COLUMN withdrawn_at bigint;
ALTER TABLE corridor.consent_scope ADD COLUMN except_offices text[] NOT NULL DEFAULT '{}';
ALTER TABLE corridor.withdrawal ADD COLUMN recipient_office text NOT NULL DEFAULT '';
ALTER TABLE corridor.withdrawal ADD COLUMN purpose smallint NOT NULL DEFAULT 0;

-- referral.state 7, taken back: the person takes out the provider, or what the offer
-- stands on.

-- What was asked back, and why, so that it does not leave again: a receipt may be missing,
-- a store may go back. Of what stands on no consent nothing else would tell. A table of
-- its own: a receipt locks the delivery first and its duties then, a withdrawal the
-- duties, and each would wait for the other.
CREATE TABLE corridor.recalled (
  message_id bytea NOT NULL,
  sender     text NOT NULL,
  code       integer NOT NULL,
  PRIMARY KEY (message_id, sender)
);
GRANT SELECT, INSERT ON corridor.recalled TO corridor_broker;

-- What waits for the end of a suspension expires like what waits otherwise.
DROP INDEX corridor.delivery_expiry;
CREATE INDEX delivery_expiry ON corridor.delivery (expires_at) WHERE state IN (0, 1, 8);

CREATE VIEW oversight.suspension AS
SELECT encode(s.case_handle, 'hex') AS case_handle, encode(s.message_id, 'hex')::uuid AS message,
       s.by_office, s.asked, corridor.utc(s.began_at) AS began, corridor.utc(s.ended_at) AS ended,
       encode(s.ended_by, 'hex')::uuid AS ended_by
FROM corridor.suspension s;

GRANT SELECT ON oversight.suspension TO corridor_oversight;
GRANT SELECT, INSERT, UPDATE ON corridor.suspension TO corridor_broker;
GRANT SELECT, INSERT ON corridor.withdrawal_attempt TO corridor_broker;
RESET ROLE;
