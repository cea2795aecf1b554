package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/abmrenew/abmrenew/storage"
)

// attempts is how often a call is made before its caller hears that the server could not do it.
const attempts = 6

// retry makes a call over again, where nothing of it can have happened and another time may do: two writes waited for each
// other, or the pool gave out a connection that the server had ended.
func (s *Store) retry(ctx context.Context, call func(*pgxpool.Conn) error) error {
	for n := 0; ; n++ {
		if err := wait(ctx, time.Duration(n*n)*5*time.Millisecond); err != nil {
			return err
		}
		again, err := s.once(ctx, call)
		if err == nil || !again || n == attempts-1 || ctx.Err() != nil {
			return explained(ctx, err)
		}
	}
}

// once makes a call, and tells whether it may be made again.
func (s *Store) once(ctx context.Context, call func(*pgxpool.Conn) error) (again bool, err error) {
	c, err := s.pool.Acquire(ctx)
	if err != nil {
		return true, fmt.Errorf("postgres: no connection: %w", err)
	}
	defer c.Release()
	err = call(c)
	var unknown *unknownError
	if errors.As(err, &unknown) {
		return false, err
	}
	if said, ok := refusal(err); ok {
		return said.Code == serializationFailure || said.Code == deadlockDetected, err
	}
	return c.Conn().IsClosed(), err
}

func wait(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil || d == 0 {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unknownError says that a COMMIT was sent and not answered. It matches none of storage's errors, which is how a store says
// so.
type unknownError struct{ cause error }

func (e *unknownError) Error() string {
	return fmt.Sprintf("postgres: the connection was lost while the commit was under way, so it may have happened: read again (%v)", e.cause)
}

// Unwrap gives the cause, for a host that looks at it.
func (e *unknownError) Unwrap() error { return e.cause }

// SQLSTATEs, from appendix A of PostgreSQL's documentation.
const (
	uniqueViolation      = "23505"
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	diskFull             = "53100"
	lockNotAvailable     = "55P03"
	dataCorrupted        = "XX001"
	indexCorrupted       = "XX002"
)

// refusal returns what the server said, if it has answered and gone back: not if it ended the connection, because then
// nobody knows how far it had come.
func refusal(err error) (*pgconn.PgError, bool) {
	var said *pgconn.PgError
	if !errors.As(err, &said) || said.SeverityUnlocalized != "ERROR" {
		return nil, false
	}
	return said, true
}

// explained gives the error that callers branch on.
func explained(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	said, ok := refusal(err)
	if !ok {
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			return fmt.Errorf("%w (%w)", ctx.Err(), err)
		}
		return err
	}
	switch said.Code {
	case lockNotAvailable:
		return fmt.Errorf("%w: another transaction has the record and did not end in time (%w)", storage.ErrLocked, err)
	case diskFull:
		return fmt.Errorf("%w: make room on the database server, then try again (%w)", storage.ErrFull, err)
	case dataCorrupted, indexCorrupted:
		return fmt.Errorf("%w: the database found a page that is not what it wrote: look at its log, restore from a backup (%w)", storage.ErrDamaged, err)
	case serializationFailure, deadlockDetected:
		return fmt.Errorf("%w (%w)", storage.ErrConflict, err)
	case "42P01", "3F000", "42703":
		return fmt.Errorf("%w: call Migrate (%w)", ErrLayout, err)
	}
	return fmt.Errorf("postgres: %w", err)
}
