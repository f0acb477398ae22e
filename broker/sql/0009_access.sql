-- Openings that offices stated: of restricted bodies, and of what a successor opened
-- with a key that recovery shares gave. One row and one log record each. No person.
SET ROLE corridor_owner;
INSERT INTO corridor.code_name (kind, code, name) VALUES
  ('type', 27, 'AccessStatement'), ('access', 1, 'OPENED'), ('access', 2, 'RECOVERED_KEY');
CREATE TABLE corridor.access (
  leaf_id     bigint PRIMARY KEY,
  at          bigint NOT NULL,
  office      text NOT NULL,
  message_id  bytea NOT NULL,           -- what was opened
  admitted_at bigint NOT NULL,          -- when that was admitted: its partition
  handle      bytea NOT NULL,
  case_handle bytea,
  kind        smallint NOT NULL,        -- AccessKind
  opened_at   bigint NOT NULL           -- by the office's clock
);
CREATE INDEX access_case ON corridor.access (case_handle);
GRANT SELECT, INSERT ON corridor.access TO corridor_broker;

CREATE VIEW oversight.access AS
SELECT a.leaf_id AS record, encode(a.message_id, 'hex')::uuid AS message, encode(a.handle, 'hex') AS handle,
       encode(a.case_handle, 'hex') AS case_handle, a.office, coalesce(o.name, a.office) AS office_name,
       corridor.name_of('type', m.type) AS type, corridor.category_names(m.categories) AS categories,
       corridor.name_of('access', a.kind) AS kind, corridor.utc(a.opened_at) AS opened, corridor.utc(a.at) AS recorded
FROM corridor.access a
JOIN corridor.message m ON m.message_id = a.message_id AND m.admitted_at = a.admitted_at
LEFT JOIN corridor.office o ON o.id = a.office;
GRANT SELECT ON oversight.access TO corridor_oversight;
RESET ROLE;
