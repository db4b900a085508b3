-- Candidates that were trained alone, to see what their scores are worth.
CREATE TABLE audit (
    candidate INTEGER NOT NULL REFERENCES candidate (id),
    steps     INTEGER NOT NULL,
    record    TEXT    NOT NULL,
    PRIMARY KEY (candidate, steps)
) STRICT;
