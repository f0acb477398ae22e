-- The question whether a person was helped before, its answer, and the duty to answer.
SET ROLE corridor_owner;
INSERT INTO corridor.code_name (kind, code, name) VALUES
  ('type', 17, 'DuplicateQuestion'), ('type', 18, 'DuplicateAnswer'), ('duty', 11, 'DUPLICATE_ANSWER');
RESET ROLE;
