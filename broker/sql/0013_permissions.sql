-- Routes: which agreement authorised a disclosure, and what a new card list changed of
-- permissions, agreements and regions under suspension.
SET ROLE corridor_owner;

ALTER TABLE corridor.delivery ADD COLUMN agreement text; -- under which it was first claimed; null: none needed

-- One row per LOG_PERMISSION_CHANGED record. part, change: ListPart, ListChange.
CREATE TABLE corridor.permission_change (
  leaf_id    bigint PRIMARY KEY,
  at         bigint NOT NULL,
  card_list  bigint NOT NULL,
  part       smallint NOT NULL,
  change     smallint NOT NULL,
  subject    text NOT NULL,             -- roles and function, an agreement's id, a region, an office
  categories integer NOT NULL           -- what may pass from then on
);
GRANT SELECT, INSERT ON corridor.permission_change TO corridor_broker;

INSERT INTO corridor.code_name (kind, code, name) VALUES
  ('category', 15, 'ASYLUM'),
  ('part', 1, 'PERMISSION'), ('part', 2, 'AGREEMENT'), ('part', 3, 'REGION'), ('part', 4, 'ASYLUM_AUTHORITY'),
  ('change', 1, 'ADDED'), ('change', 2, 'ALTERED'), ('change', 3, 'REMOVED');

CREATE OR REPLACE VIEW oversight.disclosure AS
SELECT d.claim_leaf AS record, encode(m.message_id, 'hex')::uuid AS message, encode(m.handle, 'hex') AS handle,
       encode(m.case_handle, 'hex') AS case_handle,
       m.sender, coalesce(s.name, m.sender) AS sender_name,
       m.recipient, coalesce(r.name, m.recipient) AS recipient_name,
       corridor.category_names(m.categories) AS categories,
       corridor.name_of('purpose', m.purpose) AS purpose, corridor.name_of('basis', m.basis) AS basis,
       encode(m.consent_id, 'hex')::uuid AS consent, corridor.name_of('type', m.type) AS type,
       corridor.utc(m.admitted_at) AS admitted, corridor.utc(d.first_claimed_at) AS claimed,
       corridor.utc(d.delivered_at) AS delivered, encode(sha256(d.receipt), 'hex') AS receipt,
       d.agreement
FROM corridor.delivery d
JOIN corridor.message m ON m.message_id = d.message_id AND m.admitted_at = d.admitted_at
LEFT JOIN corridor.office s ON s.id = m.sender
LEFT JOIN corridor.office r ON r.id = m.recipient
WHERE d.first_claimed_at IS NOT NULL AND m.sender <> 'hub';

CREATE VIEW oversight.permission_change AS
SELECT c.leaf_id AS record, corridor.utc(c.at) AS at, c.card_list, corridor.name_of('part', c.part) AS part,
       corridor.name_of('change', c.change) AS change, c.subject, corridor.category_names(c.categories) AS categories
FROM corridor.permission_change c;
GRANT SELECT ON oversight.permission_change TO corridor_oversight;
RESET ROLE;
