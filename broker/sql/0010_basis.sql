-- What is told without consent: the sender's account of it, and the list of it all.
SET ROLE corridor_owner;
INSERT INTO corridor.code_name (kind, code, name) VALUES
  ('type', 6, 'BasisStatement'), ('duty', 9, 'COUNTER_SIGNATURE'), ('duty', 10, 'REVIEW');

-- step: 1 counter-signed, 2 reviewed. Append only: who errs states it anew.
CREATE TABLE corridor.basis_statement (
  message_id bytea NOT NULL,            -- of the statement itself
  by_office  text NOT NULL,
  about      bytea NOT NULL,            -- of the message that was sent without consent
  step       smallint NOT NULL,
  result     smallint NOT NULL,
  consent_id bytea,                     -- obtained since
  stated_at  bigint NOT NULL,
  PRIMARY KEY (message_id, by_office)
);
CREATE INDEX basis_statement_about ON corridor.basis_statement (about);
GRANT SELECT, INSERT ON corridor.basis_statement TO corridor_broker;

-- An offer of a handover without consent names none.
ALTER TABLE corridor.referral ALTER COLUMN consent_id DROP NOT NULL;

CREATE INDEX message_without_consent ON corridor.message (admitted_at) WHERE basis IN (2, 3, 4);

-- Every message about a person that rests on no consent, whether or not it has left.
CREATE VIEW oversight.exception AS
SELECT encode(m.message_id, 'hex')::uuid AS message, encode(m.handle, 'hex') AS handle,
       encode(m.case_handle, 'hex') AS case_handle, m.sender, m.recipient, corridor.name_of('type', m.type) AS type,
       corridor.category_names(m.categories) AS categories, corridor.name_of('basis', m.basis) AS basis,
       corridor.utc(m.admitted_at) AS admitted, corridor.utc(d.first_claimed_at) AS claimed,
       corridor.utc(s.counter_signed) AS counter_signed, corridor.utc(s.reviewed) AS reviewed,
       CASE WHEN s.not_upheld THEN 'NOT_UPHELD' WHEN s.consented THEN 'CONSENT_OBTAINED' WHEN s.stated THEN 'UPHELD' END
         AS result,
       EXISTS (SELECT FROM corridor.obligation o WHERE o.message_id = m.message_id AND o.kind IN (9, 10)
               AND o.state IN (3, 4, 5)) AS late
FROM corridor.message m
JOIN corridor.delivery d ON d.message_id = m.message_id AND d.admitted_at = m.admitted_at
CROSS JOIN LATERAL (
  SELECT min(stated_at) FILTER (WHERE step = 1) AS counter_signed, min(stated_at) FILTER (WHERE step = 2) AS reviewed,
         bool_or(result = 2) AS not_upheld, bool_or(result = 3) AS consented, count(*) > 0 AS stated
  FROM corridor.basis_statement b WHERE b.about = m.message_id AND b.by_office = m.sender) s
WHERE m.basis IN (2, 3, 4);

GRANT SELECT ON oversight.exception TO corridor_oversight;
RESET ROLE;
