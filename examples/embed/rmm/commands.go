package rmm

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// The states of a command.
const (
	Queued       = "queued"
	Sent         = "sent" // the device has it and has not answered
	NotNow       = "not_now"
	Acknowledged = "acknowledged"
	Failed       = "error"
	FormatError  = "format_error"
	Cancelled    = "cancelled"
	Lost         = "lost" // the device enrolled anew without having answered
)

// Command is a command for a device, in our queue until the device comes by.
type Command struct {
	UUID, Customer, MDM, UDID, Kind string

	Args   map[string]any
	State  string
	Reason string    // the device's own word
	Since  time.Time // when it came to its state
}

// What is wrong about a command.
var (
	ErrQueuedBefore = errors.New("rmm: a command with this UUID was queued before")
	ErrTooLate      = errors.New("rmm: the command came too late to be queued")
	ErrTaken        = errors.New("rmm: the device has the command already")
	ErrNoCommand    = errors.New("rmm: there is no such command")
)

// Enqueue queues a command, unless it is sendBy already; zero: whenever. A UUID is queued once and never again, whatever
// became of it. The PIN goes to the device and nowhere else.
func (a *App) Enqueue(ctx context.Context, c Command, pin string, sendBy time.Time) error {
	now := a.Now()
	if !sendBy.IsZero() && !now.Before(sendBy) {
		return ErrTooLate
	}
	args, err := json.Marshal(c.Args)
	if err != nil {
		return err
	}
	done, err := a.Pool.Exec(ctx, `INSERT INTO commands (uuid, customer, mdm, udid, kind, args, pin, state, changed_at)
		SELECT $1, customer, mdm, udid, $5, $6, $7, 'queued', $8 FROM devices WHERE customer = $2 AND mdm = $3 AND udid = $4
		ON CONFLICT (uuid) DO NOTHING`, c.UUID, c.Customer, c.MDM, c.UDID, c.Kind, string(args), a.seal([]byte(pin)), now)
	if err != nil || done.RowsAffected() == 1 {
		return err
	}
	if _, err := a.Command(ctx, c.Customer, c.UUID); !errors.Is(err, ErrNoCommand) {
		return errors.Join(ErrQueuedBefore, err)
	}
	return ErrNoDevice
}

// Command returns a command of a customer.
func (a *App) Command(ctx context.Context, customer, uuid string) (Command, error) {
	rows, err := a.Pool.Query(ctx, `SELECT uuid, customer, mdm, udid, kind, args, state, reason, changed_at FROM commands
		WHERE customer = $1 AND uuid = $2`, customer, uuid)
	if err != nil {
		return Command{}, err
	}
	c, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Command])
	return c, found(err, ErrNoCommand)
}

// Withdraw takes a command that no device has taken out of the queue, and keeps one that never came from coming.
func (a *App) Withdraw(ctx context.Context, customer, uuid string) error {
	var state string
	err := a.Pool.QueryRow(ctx, `INSERT INTO commands (uuid, customer, mdm, udid, kind, args, state, changed_at)
		VALUES ($2, $1, '', '', '', '{}', 'cancelled', $3)
		ON CONFLICT (uuid) DO UPDATE SET
			state = CASE WHEN commands.state IN ('queued', 'not_now') THEN 'cancelled' ELSE commands.state END,
			pin = CASE WHEN commands.state IN ('queued', 'not_now') THEN NULL ELSE commands.pin END,
			changed_at = CASE WHEN commands.state IN ('queued', 'not_now') THEN $3 ELSE commands.changed_at END
		WHERE commands.customer = $1 RETURNING state`, customer, uuid, a.Now()).Scan(&state)
	if err = found(err, ErrNoCommand); err == nil && state != Cancelled {
		return ErrTaken
	}
	return err
}

// Delivery is a command on its way to its device.
type Delivery struct {
	UUID, Kind string
	Args       map[string]any
	PIN        string
}

// next gives a device its oldest open command; nil: there is none.
func (a *App) next(ctx context.Context, customer, mdm, udid string) (*Delivery, error) {
	var d Delivery
	var pin []byte
	err := a.Pool.QueryRow(ctx, `UPDATE commands SET state = 'sent', changed_at = $4 WHERE uuid = (
			SELECT uuid FROM commands WHERE customer = $1 AND mdm = $2 AND udid = $3 AND state IN ('queued', 'sent', 'not_now')
			ORDER BY number LIMIT 1 FOR UPDATE)
		AND state IN ('queued', 'sent', 'not_now') RETURNING uuid, kind, args, pin`, customer, mdm, udid, a.Now()).Scan(&d.UUID, &d.Kind, &d.Args, &pin)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	plain, err := a.open(pin)
	d.PIN = string(plain)
	return &d, err
}

// answered notes what a device answered. An answer to a command that has ended changes nothing.
func (a *App) answered(ctx context.Context, tx pgx.Tx, ev Event) error {
	_, err := tx.Exec(ctx, `UPDATE commands SET state = $4, reason = $5, changed_at = $6, pin = CASE WHEN $4 = 'not_now' THEN pin END
		WHERE uuid = $3 AND customer = $1 AND udid = $2 AND state IN ('queued', 'sent', 'not_now')`,
		ev.Customer, ev.UDID, ev.Command, ev.Status, ev.Reason, ev.At)
	return err
}

// void ends what was queued for a device before it enrolled anew.
func (a *App) void(ctx context.Context, tx pgx.Tx, ev Event) error {
	_, err := tx.Exec(ctx, `UPDATE commands SET state = CASE state WHEN 'sent' THEN 'lost' ELSE 'cancelled' END, pin = NULL, changed_at = $3
		WHERE mdm = $1 AND udid = $2 AND state IN ('queued', 'sent', 'not_now')`, ev.MDM, ev.UDID, ev.At)
	return err
}

// Waiting is a device for which commands wait, so that it is to be pushed.
type Waiting struct{ Customer, UDID string }

// waiting lists whom a cluster has to push.
func (a *App) waiting(ctx context.Context, mdm string) ([]Waiting, error) {
	rows, err := a.Pool.Query(ctx, `SELECT DISTINCT customer, udid FROM commands WHERE mdm = $1 AND state IN ('queued', 'not_now') ORDER BY udid`, mdm)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Waiting])
}
