-- A device as one of our MDM clusters knows it: one that moves from one cluster to another has two rows for a while.
CREATE TABLE devices (
	mdm               text NOT NULL,
	udid              text NOT NULL,
	customer          text NOT NULL REFERENCES customers,
	serial            text NOT NULL,
	model             text NOT NULL DEFAULT '',
	family            text NOT NULL DEFAULT '',
	os                text NOT NULL DEFAULT '',
	supervised        boolean,
	shared_ipad       boolean,
	by_ade            boolean,
	apple_silicon     boolean,
	activation_locked boolean,
	bypass_code       bytea, -- sealed
	push_topic        text NOT NULL DEFAULT '',
	enrolled          boolean NOT NULL DEFAULT false,
	enrolled_at       timestamptz,
	last_seen         timestamptz NOT NULL,
	PRIMARY KEY (mdm, udid)
);
CREATE INDEX devices_serial ON devices (customer, mdm, serial);
CREATE INDEX devices_topic ON devices (push_topic) WHERE enrolled;

CREATE TABLE commands (
	uuid       text PRIMARY KEY,
	number     bigint GENERATED ALWAYS AS IDENTITY,
	customer   text NOT NULL,
	mdm        text NOT NULL,
	udid       text NOT NULL,
	kind       text NOT NULL,
	args       jsonb NOT NULL,
	pin        bytea, -- sealed; gone once the device has it
	state      text NOT NULL CHECK (state IN ('queued', 'sent', 'not_now', 'acknowledged', 'error', 'format_error', 'cancelled', 'lost')),
	reason     text NOT NULL DEFAULT '',
	changed_at timestamptz NOT NULL
);
CREATE INDEX commands_open ON commands (mdm, udid, number) WHERE state IN ('queued', 'sent', 'not_now');
