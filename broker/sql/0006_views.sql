-- Stable views for outsiders. Columns are a promise: they are added to, never
-- renamed. Handles and ids are hex; times are timestamptz.
SET ROLE corridor_owner;

-- Code names, so that views speak the field's words. Held against the schema
-- by a test.
CREATE TABLE corridor.code_name (
  kind text NOT NULL,
  code smallint NOT NULL,
  name text NOT NULL,
  PRIMARY KEY (kind, code)
);
INSERT INTO corridor.code_name (kind, code, name) VALUES
  ('type', 1, 'Registration'), ('type', 2, 'ConsentRecord'), ('type', 3, 'ConsentWithdrawal'),
  ('type', 10, 'CaseFile'), ('type', 11, 'ABN'), ('type', 12, 'AbnConfirm'), ('type', 13, 'TicketIssued'),
  ('type', 14, 'DepartureConfirmation'), ('type', 15, 'ArrivalNotice'), ('type', 20, 'Referral'),
  ('type', 21, 'ReferralAck'), ('type', 22, 'ReferralHandover'), ('type', 23, 'ServiceReport'),
  ('type', 24, 'ErasureStatement'), ('type', 30, 'EndNotice'), ('type', 31, 'WithdrawalNotice'),
  ('type', 32, 'ObligationNotice'),
  ('purpose', 1, 'RETURN_PREPARATION'), ('purpose', 2, 'TRAVEL_ARRANGEMENT'), ('purpose', 3, 'RECEPTION'),
  ('purpose', 4, 'REINTEGRATION'), ('purpose', 5, 'CONTINUITY_OF_CARE'), ('purpose', 6, 'PROTECTION_CARE'),
  ('purpose', 7, 'MONITORING_EVALUATION'), ('purpose', 8, 'RECORD_KEEPING'),
  ('basis', 1, 'CONSENT'), ('basis', 2, 'LIFE_AT_RISK'), ('basis', 3, 'CHILD_BEST_INTERESTS'),
  ('basis', 4, 'VITAL_INTEREST_OTHER'), ('basis', 5, 'NO_PERSONAL_DATA'), ('basis', 6, 'RECORD_DUTY'),
  ('category', 1, 'OPERATIONAL'), ('category', 2, 'BIODATA'), ('category', 3, 'CONTACT'), ('category', 4, 'TRAVEL'),
  ('category', 5, 'HEALTH_DATA'), ('category', 6, 'MENTAL_HEALTH'), ('category', 7, 'PROTECTION_RISK'),
  ('category', 8, 'CHILD_BID'), ('category', 9, 'FAMILY'), ('category', 10, 'ECONOMIC'), ('category', 11, 'EDUCATION'),
  ('category', 12, 'LEGAL'), ('category', 13, 'MONITORING_DATA'), ('category', 14, 'INSTRUCTION'),
  ('delivery', 0, 'held'), ('delivery', 1, 'queued'), ('delivery', 2, 'claimed'), ('delivery', 3, 'delivered'),
  ('delivery', 4, 'stopped'), ('delivery', 5, 'expired'),
  ('obligation', 1, 'OPEN'), ('obligation', 2, 'MET'), ('obligation', 3, 'MET_LATE'), ('obligation', 4, 'OVERDUE'),
  ('obligation', 5, 'ESCALATED'), ('obligation', 6, 'WAIVED'),
  ('duty', 1, 'ABN_NOTICE'), ('duty', 2, 'ABN_CONFIRM'), ('duty', 3, 'DEPARTURE_ENTRY'), ('duty', 4, 'ARRIVAL_NOTICE'),
  ('duty', 5, 'REFERRAL_ANSWER'), ('duty', 6, 'ERASURE_ANSWER');

CREATE FUNCTION corridor.utc(ms bigint) RETURNS timestamptz LANGUAGE sql IMMUTABLE STRICT
  RETURN timestamptz '1970-01-01 00:00:00+00' + ms * interval '1 millisecond';
-- Run as the owner: who reads a view needs no way into this schema.
CREATE FUNCTION corridor.name_of(k text, c integer) RETURNS text LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = corridor, pg_temp
  RETURN coalesce((SELECT n.name FROM corridor.code_name n WHERE n.kind = k AND n.code = c), c::text);
CREATE FUNCTION corridor.category_names(bits integer) RETURNS text[] LANGUAGE sql STABLE
  SECURITY DEFINER SET search_path = corridor, pg_temp
  RETURN (SELECT coalesce(array_agg(n.name ORDER BY n.code), '{}') FROM corridor.code_name n
          WHERE n.kind = 'category' AND bits & (1 << n.code) <> 0);

-- One row per disclosure: a message first claimed for its recipient.
CREATE VIEW oversight.disclosure AS
SELECT d.claim_leaf AS record, encode(m.message_id, 'hex')::uuid AS message, encode(m.handle, 'hex') AS handle,
       encode(m.case_handle, 'hex') AS case_handle,
       m.sender, coalesce(s.name, m.sender) AS sender_name,
       m.recipient, coalesce(r.name, m.recipient) AS recipient_name,
       corridor.category_names(m.categories) AS categories,
       corridor.name_of('purpose', m.purpose) AS purpose, corridor.name_of('basis', m.basis) AS basis,
       encode(m.consent_id, 'hex')::uuid AS consent, corridor.name_of('type', m.type) AS type,
       corridor.utc(m.admitted_at) AS admitted, corridor.utc(d.first_claimed_at) AS claimed,
       corridor.utc(d.delivered_at) AS delivered, encode(sha256(d.receipt), 'hex') AS receipt
FROM corridor.delivery d
JOIN corridor.message m ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at
LEFT JOIN corridor.office s ON s.id = m.sender
LEFT JOIN corridor.office r ON r.id = m.recipient
WHERE d.first_claimed_at IS NOT NULL AND m.sender <> 'hub';

CREATE VIEW oversight.delivery AS
SELECT d.sequence, encode(d.message_id, 'hex')::uuid AS message, encode(d.handle, 'hex') AS handle,
       encode(d.case_handle, 'hex') AS case_handle, d.sender, d.recipient, corridor.name_of('type', m.type) AS type,
       corridor.name_of('delivery', d.state) AS state, d.claims, d.stop_code,
       corridor.utc(d.admitted_at) AS admitted, corridor.utc(d.first_claimed_at) AS claimed,
       corridor.utc(d.delivered_at) AS delivered
FROM corridor.delivery d
JOIN corridor.message m ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at;

CREATE VIEW oversight.refusal AS
SELECT corridor.utc(r.at) AS at, encode(r.message_id, 'hex')::uuid AS message, encode(r.handle, 'hex') AS handle,
       encode(s.case_handle, 'hex') AS case_handle, r.sender, r.recipient,
       corridor.name_of('type', r.type) AS type, r.code::text AS code, r.leaf_id AS record
FROM corridor.refusal r
LEFT JOIN corridor.standing s ON s.office = r.sender AND s.handle = r.handle;

CREATE VIEW oversight.obligation AS
SELECT encode(o.obligation_id, 'hex')::uuid AS obligation, corridor.name_of('duty', o.kind) AS duty, o.responsible,
       o.counterpart, encode(o.handle, 'hex') AS handle, encode(o.case_handle, 'hex') AS case_handle,
       encode(o.message_id, 'hex')::uuid AS message, corridor.utc(o.opened_at) AS opened, corridor.utc(o.due_at) AS due,
       corridor.name_of('obligation', o.state) AS state, o.level, corridor.utc(o.closed_at) AS closed
FROM corridor.obligation o;

CREATE VIEW oversight.case_reference AS
SELECT c.reference_hash, encode(c.handle, 'hex') AS handle FROM corridor.avrr_case c;

-- S0 only: counts per month, programme and corridor.
CREATE VIEW statistics.case_count AS
SELECT to_char(corridor.utc(c.registered_at) AT TIME ZONE 'UTC', 'YYYY-MM') AS month, c.programme,
       h.country AS host_country, g.country AS origin_country, count(*) AS cases
FROM corridor.avrr_case c
LEFT JOIN corridor.office h ON h.id = c.host_office
LEFT JOIN corridor.office g ON g.id = c.origin_office
GROUP BY 1, 2, 3, 4;

GRANT SELECT ON ALL TABLES IN SCHEMA oversight TO corridor_oversight;
GRANT SELECT ON ALL TABLES IN SCHEMA statistics TO corridor_statistics;
RESET ROLE;
