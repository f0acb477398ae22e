-- The head of a queue is found from a number on (queue.c). By an expression, so that
-- no plan made while the table is small finds it by the primary key, which holds
-- every delivery there ever was.
SET ROLE corridor_owner;
DROP INDEX corridor.delivery_waiting;
CREATE INDEX delivery_waiting ON corridor.delivery (recipient, lane DESC, (sequence + 0)) WHERE state IN (1, 2);
RESET ROLE;
