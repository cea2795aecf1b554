CREATE TABLE customers (
	id   text PRIMARY KEY,
	name text NOT NULL
);

CREATE TABLE technicians (
	id       text PRIMARY KEY,
	name     text NOT NULL,
	role     text NOT NULL CHECK (role IN ('technician', 'admin')),
	salt     bytea NOT NULL,
	password bytea NOT NULL
);

-- Which customers a technician works for; an admin works for all.
CREATE TABLE teams (
	technician text NOT NULL REFERENCES technicians,
	customer   text NOT NULL REFERENCES customers,
	PRIMARY KEY (technician, customer)
);

CREATE TABLE sessions (
	hash       bytea PRIMARY KEY,
	technician text NOT NULL REFERENCES technicians,
	expires_at timestamptz NOT NULL
);

CREATE TABLE tickets (
	id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer  text NOT NULL REFERENCES customers,
	about     text NOT NULL,
	subject   text NOT NULL,
	opened_at timestamptz NOT NULL,
	closed_at timestamptz
);
CREATE UNIQUE INDEX tickets_open ON tickets (about) WHERE closed_at IS NULL;

CREATE TABLE ticket_notes (
	id     text PRIMARY KEY,
	ticket bigint NOT NULL REFERENCES tickets,
	body   text NOT NULL,
	at     timestamptz NOT NULL
);
