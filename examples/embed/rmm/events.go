package rmm

import (
	"context"
	"crypto/subtle"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"
)

// The types of events, as the MDM protocol calls what they tell of.
const (
	Authenticate = "Authenticate"
	TokenUpdate  = "TokenUpdate"
	CheckOut     = "CheckOut"
	Answer       = "Answer" // to a command
)

// Event is what one of our MDM clusters heard from a device.
type Event struct {
	Type     string    `json:"type"`
	Customer string    `json:"-"` // from the path
	MDM      string    `json:"-"`
	UDID     string    `json:"udid"`
	Serial   string    `json:"serial,omitempty"`
	At       time.Time `json:"at"`

	Model        string `json:"model,omitempty"`
	Family       string `json:"family,omitempty"`
	OS           string `json:"os,omitempty"`
	PushTopic    string `json:"push_topic,omitempty"`
	Supervised   *bool  `json:"supervised,omitempty"`
	SharedIPad   *bool  `json:"shared_ipad,omitempty"`
	ByADE        *bool  `json:"by_ade,omitempty"`
	AppleSilicon *bool  `json:"apple_silicon,omitempty"`

	// ActivationLocked is what the device answered last about its Activation Lock.
	ActivationLocked *bool `json:"activation_locked,omitempty"`

	Command string `json:"command,omitempty"` // UUID
	Status  string `json:"status,omitempty"`  // a state of commands
	Reason  string `json:"reason,omitempty"`

	// Enrolls: with this TokenUpdate the device has enrolled; later ones only bring a new push token.
	Enrolls bool `json:"-"`
}

// Listener hears of events. Before is called before the transaction begins, and may wait for a network; Within is called inside
// of it, and what it writes there is kept or undone with what we write.
type Listener struct {
	Before func(ctx context.Context, customer string) error
	Within func(ctx context.Context, tx pgx.Tx, e Event) error
}

// OnEvent adds a listener.
func (a *App) OnEvent(l Listener) { a.heard = append(a.heard, l) }

// Hear takes an event in: our tables, and what listeners make of it, in one transaction.
func (a *App) Hear(ctx context.Context, e Event) error {
	for _, l := range a.heard {
		if err := l.Before(ctx, e.Customer); err != nil {
			return err
		}
	}
	return a.within(ctx, func(tx pgx.Tx) error {
		if err := a.note(ctx, tx, &e); err != nil {
			return err
		}
		for _, l := range a.heard {
			if err := l.Within(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (a *App) note(ctx context.Context, tx pgx.Tx, e *Event) error {
	switch e.Type {
	case Authenticate:
		_, err := tx.Exec(ctx, `INSERT INTO devices (mdm, udid, customer, serial, model, family, os, supervised, shared_ipad, by_ade, apple_silicon,
			push_topic, enrolled, last_seen, activation_locked) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, false, $13, $14)
			ON CONFLICT (mdm, udid) DO UPDATE SET customer = $3, serial = $4, model = $5, family = $6, os = $7, supervised = $8, shared_ipad = $9,
			by_ade = $10, apple_silicon = $11, push_topic = $12, enrolled = false, last_seen = $13,
			activation_locked = COALESCE($14, devices.activation_locked)`,
			e.MDM, e.UDID, e.Customer, e.Serial, e.Model, e.Family, e.OS, e.Supervised, e.SharedIPad, e.ByADE, e.AppleSilicon, e.PushTopic, e.At,
			e.ActivationLocked)
		if err != nil {
			return err
		}
		return a.void(ctx, tx, *e)
	case TokenUpdate:
		var was bool
		err := tx.QueryRow(ctx, `UPDATE devices d SET enrolled = true, last_seen = $4, enrolled_at = CASE WHEN d.enrolled THEN d.enrolled_at ELSE $4 END
			FROM (SELECT enrolled FROM devices WHERE mdm = $1 AND udid = $2 AND customer = $3 FOR UPDATE) before
			WHERE d.mdm = $1 AND d.udid = $2 AND d.customer = $3 RETURNING before.enrolled`, e.MDM, e.UDID, e.Customer, e.At).Scan(&was)
		e.Enrolls = !was
		return found(err, errUnknown)
	case CheckOut:
		return a.seen(ctx, tx, *e, `, enrolled = false`)
	case Answer:
		if err := a.seen(ctx, tx, *e, ``); err != nil {
			return err
		}
		return a.answered(ctx, tx, *e)
	}
	return &Error{Status: http.StatusBadRequest, Code: "type", Message: "There is no such type of events"}
}

var errUnknown = &Error{Status: http.StatusNotFound, Code: "device", Message: "The device is not known; it has to authenticate first"}

func (a *App) seen(ctx context.Context, tx pgx.Tx, e Event, also string) error {
	done, err := tx.Exec(ctx, `UPDATE devices SET last_seen = $4`+also+` WHERE mdm = $1 AND udid = $2 AND customer = $3`, e.MDM, e.UDID, e.Customer, e.At)
	if err == nil && done.RowsAffected() == 0 {
		err = errUnknown
	}
	return err
}

var errMDMKey = &Error{Status: http.StatusUnauthorized, Code: "mdm_key", Message: "Only our MDM clusters may do this"}

// cluster checks that a request comes from one of our MDM clusters.
func (a *App) cluster(r *http.Request) error {
	if a.MDMKey == "" || subtle.ConstantTimeCompare([]byte(r.Header.Get("X-MDM-Key")), []byte(a.MDMKey)) != 1 {
		return errMDMKey
	}
	return nil
}

func (a *App) serveEvent(w http.ResponseWriter, r *http.Request) {
	var e Event
	err := a.cluster(r)
	if err == nil {
		err = Decode(r, &e)
	}
	if err == nil {
		e.MDM, e.Customer = r.PathValue("mdm"), r.PathValue("customer")
		err = a.Hear(r.Context(), e)
	}
	a.answer(w, r, map[string]bool{"heard": err == nil}, err)
}

// serveNext gives a device that comes by its next command.
func (a *App) serveNext(w http.ResponseWriter, r *http.Request) {
	var d *Delivery
	err := a.cluster(r)
	if err == nil {
		d, err = a.next(r.Context(), r.PathValue("customer"), r.PathValue("mdm"), r.PathValue("udid"))
	}
	if err == nil && d == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	a.answer(w, r, d, err)
}

func (a *App) serveWaiting(w http.ResponseWriter, r *http.Request) {
	var all []Waiting
	err := a.cluster(r)
	if err == nil {
		all, err = a.waiting(r.Context(), r.PathValue("mdm"))
	}
	a.answer(w, r, all, err)
}
