-- +goose Up
-- Names stand without a schema: the migration runs with the schema of choice as the search path.

CREATE TABLE records (
    kind    text COLLATE "C" NOT NULL CHECK (octet_length(kind) BETWEEN 1 AND 256),
    tenant  text COLLATE "C" NOT NULL CHECK (octet_length(tenant) <= 256),
    id      text COLLATE "C" NOT NULL CHECK (octet_length(id) BETWEEN 1 AND 256),
    parent  text COLLATE "C" NOT NULL CHECK (octet_length(parent) <= 256),
    state   text COLLATE "C" NOT NULL CHECK (octet_length(state) <= 256),
    wake    timestamptz CHECK (isfinite(wake)),
    version bigint NOT NULL CHECK (version >= 0),
    data    bytea NOT NULL CHECK (octet_length(data) <= 1048576),
    -- When the record was deleted. Such a row keeps the version for a week, so that a record which comes again goes on
    -- counting; at version 0 it stands for a record that was never there, so that its absence can be locked.
    gone    timestamptz,
    PRIMARY KEY (kind, tenant, id),
    CHECK (CASE WHEN gone IS NULL THEN version > 0 ELSE parent = '' AND state = '' AND wake IS NULL AND data = '' END)
) WITH (
    -- Room on each page for the next version of a row, and vacuum before a tenth of the table is dead: every step of a
    -- record leaves one dead row behind.
    fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.05,
    autovacuum_analyze_scale_factor = 0.05
);

CREATE INDEX records_due ON records (kind, wake, tenant, id) WHERE wake IS NOT NULL;
CREATE INDEX records_state ON records (kind, state, tenant, id) WHERE gone IS NULL;
CREATE INDEX records_parent ON records (kind, parent, tenant, id) INCLUDE (state) WHERE parent <> '';
CREATE INDEX records_gone ON records (gone) WHERE gone IS NOT NULL;

-- What this program checks, whoever applies the migrations with whatever tool. The last statement of each adds its number.
CREATE TABLE layout (version integer PRIMARY KEY);
INSERT INTO layout (version) VALUES (1);
