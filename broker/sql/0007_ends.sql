-- Ends that come after the delivery, and who took a step: the confirmation of one
-- origin mission does not speak for another.
SET ROLE corridor_owner;
INSERT INTO corridor.code_name (kind, code, name) VALUES
  ('type', 25, 'ContentStatement'), ('type', 33, 'NoticeBundle'), ('delivery', 6, 'unreadable'), ('delivery', 7, 'content refused');
ALTER TABLE corridor.step ADD COLUMN office text NOT NULL DEFAULT '';  -- who sent it
ALTER TABLE corridor.step ALTER COLUMN office DROP DEFAULT;
ALTER TABLE corridor.step DROP CONSTRAINT step_pkey;
ALTER TABLE corridor.step ADD PRIMARY KEY (handle, type, office);
-- What the hub's own notice asked about: an agent files the duty with it.
ALTER TABLE corridor.obligation ADD COLUMN about bytea;
-- In the order in which deliveries leave: what overtakes first.
DROP INDEX corridor.delivery_waiting;
CREATE INDEX delivery_waiting ON corridor.delivery (recipient, lane DESC, sequence) WHERE state IN (1, 2);
CREATE INDEX obligation_message ON corridor.obligation (message_id) WHERE state IN (1, 4, 5);
-- For an office whose store went back: its own statements.
CREATE INDEX message_statement ON corridor.message (sender, admitted_at) WHERE type = 24;
-- Leaf ids are reserved in blocks (LEDGER_BLOCK): each nextval is the first of 256.
ALTER SEQUENCE corridor.log_leaf_leaf_id_seq INCREMENT BY 256;
RESET ROLE;
