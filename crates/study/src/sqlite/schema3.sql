-- How often every class was recognised on the validation split, as JSON `[[examples, called, right], ...]`. Unknown of
-- candidates that were never scored, and of those that an earlier version scored.
ALTER TABLE candidate ADD COLUMN val_tally TEXT;
