-- Parts of files are a lane of their own, -1: one at a time for each recipient, after
-- all else; and what one office may send for one case is bounded.
SET ROLE corridor_owner;
INSERT INTO corridor.code_name (kind, code, name) VALUES ('type', 16, 'Attachment');
CREATE INDEX delivery_part ON corridor.delivery (recipient, handle) WHERE state IN (1, 2) AND lane = -1;
CREATE INDEX delivery_part_away ON corridor.delivery (recipient) WHERE state = 2 AND lane = -1;
CREATE TABLE corridor.attachment_use (
  office      text NOT NULL,
  case_handle bytea NOT NULL,
  bytes       bigint NOT NULL,          -- of sealed parts admitted, ever
  PRIMARY KEY (office, case_handle)
);
GRANT SELECT, INSERT, UPDATE ON corridor.attachment_use TO corridor_broker;
RESET ROLE;
