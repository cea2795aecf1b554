package postgres

import (
	"fmt"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// DefaultSchema is where the tables are unless the host says otherwise.
const DefaultSchema = "abmrenew"

// Options of a store. The zero value is good.
type Options struct {
	// Schema is where the tables are: [DefaultSchema] if empty. Each schema is a store of its own.
	Schema string
	// StatementTimeout is how long one statement may take, and how long the server waits for a client that stopped in the
	// middle of a write. Zero: 30 seconds.
	StatementTimeout time.Duration
	// LockTimeout is how long a write waits for another one that has its record. Then it fails with an error that matches
	// [storage.ErrLocked], and nothing was done. Zero: 5 seconds.
	LockTimeout time.Duration
	// Now gives the store's present. Nil, as it should be in production: the clock of the database, which all workers share.
	Now func() time.Time
}

func (o Options) withDefaults() (Options, error) {
	if o.Schema == "" {
		o.Schema = DefaultSchema
	}
	if o.StatementTimeout == 0 {
		o.StatementTimeout = 30 * time.Second
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = 5 * time.Second
	}
	if o.StatementTimeout < time.Millisecond || o.LockTimeout < time.Millisecond {
		return o, fmt.Errorf("%w: a timeout below a millisecond", storage.ErrInvalid)
	}
	return o, validSchema(o.Schema)
}

// validSchema refuses what PostgreSQL would cut or not take at all.
func validSchema(name string) error {
	const most = 63 // bytes, of any name
	if len(name) > most || strings.IndexByte(name, 0) >= 0 || strings.HasPrefix(name, "pg_") {
		return fmt.Errorf("%w: %q cannot name a schema", storage.ErrInvalid, name)
	}
	return nil
}
