package rmm

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Device is a device as one of our MDM clusters knows it. What is nil, nobody has told.
type Device struct {
	MDM, UDID, Customer, Serial, Model, Family, OS string

	Supervised, SharedIPad, ByADE, AppleSilicon, ActivationLocked *bool

	HasBypassCode bool
	PushTopic     string
	Enrolled      bool
	EnrolledAt    *time.Time
	LastSeen      time.Time
}

// What is wrong about a device.
var (
	ErrNoDevice     = errors.New("rmm: there is no such device")
	ErrNoBypassCode = errors.New("rmm: there is no bypass code of the device")
)

const deviceColumns = `mdm, udid, customer, serial, model, family, os, supervised, shared_ipad, by_ade, apple_silicon,
	activation_locked, bypass_code IS NOT NULL, push_topic, enrolled, enrolled_at, last_seen`

// Device returns a device of a customer, by its UDID, or by its serial number if the UDID is empty.
func (a *App) Device(ctx context.Context, customer, mdm, udid, serial string) (Device, error) {
	return a.device(ctx, `customer = $1 AND mdm = $2 AND (udid = $3 OR $3 = '' AND serial = $4)`, customer, mdm, udid, serial)
}

// LastDevice returns what the cluster knows that saw the device last.
func (a *App) LastDevice(ctx context.Context, customer, serial string) (Device, error) {
	return a.device(ctx, `customer = $1 AND serial = $2`, customer, serial)
}

func (a *App) device(ctx context.Context, where string, args ...any) (Device, error) {
	rows, err := a.Pool.Query(ctx, `SELECT `+deviceColumns+` FROM devices WHERE `+where+` ORDER BY enrolled DESC, last_seen DESC LIMIT 1`, args...)
	if err != nil {
		return Device{}, err
	}
	d, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Device])
	return d, found(err, ErrNoDevice)
}

// CountListening counts the enrolled devices that hear pushes of a topic, of all customers.
func (a *App) CountListening(ctx context.Context, topic string) (n int, err error) {
	err = a.Pool.QueryRow(ctx, `SELECT count(*) FROM devices WHERE push_topic = $1 AND enrolled`, topic).Scan(&n)
	return n, err
}

// ClearLock turns the Activation Lock of a device off with its bypass code.
func (a *App) ClearLock(ctx context.Context, customer, serial string) error {
	var sealed []byte
	var locked *bool
	err := a.Pool.QueryRow(ctx, `SELECT bypass_code, activation_locked FROM devices WHERE customer = $1 AND serial = $2
		ORDER BY bypass_code IS NULL, last_seen DESC LIMIT 1`, customer, serial).Scan(&sealed, &locked)
	switch {
	case err != nil:
		return found(err, ErrNoDevice)
	case locked != nil && !*locked:
		return nil
	case sealed == nil:
		return ErrNoBypassCode
	}
	code, err := a.open(sealed)
	if err != nil {
		return err
	}
	if err := a.Unlock(ctx, serial, string(code)); err != nil {
		return err
	}
	_, err = a.Pool.Exec(ctx, `UPDATE devices SET activation_locked = false WHERE customer = $1 AND serial = $2`, customer, serial)
	return err
}

// KeepBypassCode keeps the code that a device told when it was locked.
func (a *App) KeepBypassCode(ctx context.Context, customer, serial, code string) error {
	_, err := a.Pool.Exec(ctx, `UPDATE devices SET activation_locked = true, bypass_code = $3 WHERE customer = $1 AND serial = $2`,
		customer, serial, a.seal([]byte(code)))
	return err
}

func (a *App) listDevices(q Request) (any, error) {
	rows, err := a.Pool.Query(q.Context(), `SELECT `+deviceColumns+` FROM devices WHERE customer = $1 ORDER BY serial, mdm`, q.Customer)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Device])
}
