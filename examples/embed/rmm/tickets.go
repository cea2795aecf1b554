package rmm

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Ticket is work for the helpdesk.
type Ticket struct {
	Customer string
	About    string // one ticket is open about a thing at a time
	Subject  string
	Opened   time.Time
	Closed   *time.Time
	Notes    []string
}

// Note is a line of a ticket. The same ID twice is one.
type Note struct{ ID, Body string }

// AddNote writes a note to the open ticket about a thing, and opens one where there is none. A note that was written before
// opens nothing again.
func (a *App) AddNote(ctx context.Context, t Ticket, n Note) error {
	return a.within(ctx, func(tx pgx.Tx) error { return a.addNote(ctx, tx, t, n, false) })
}

// CloseTicket closes the ticket about a thing, with a last note. There may be none.
func (a *App) CloseTicket(ctx context.Context, t Ticket, n Note) error {
	return a.within(ctx, func(tx pgx.Tx) error {
		if err := a.addNote(ctx, tx, t, n, true); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE tickets SET closed_at = $2 WHERE about = $1 AND closed_at IS NULL
			AND EXISTS (SELECT FROM ticket_notes WHERE ticket = tickets.id AND id = $3)`, t.About, a.Now(), n.ID)
		return err
	})
}

func (a *App) addNote(ctx context.Context, tx pgx.Tx, t Ticket, n Note, closing bool) error {
	_, err := tx.Exec(ctx, `INSERT INTO tickets (customer, about, subject, opened_at)
		SELECT $1, $2, $3, $4 WHERE NOT $6 AND NOT EXISTS (SELECT FROM ticket_notes WHERE id = $5)
		ON CONFLICT (about) WHERE closed_at IS NULL DO NOTHING`, t.Customer, t.About, t.Subject, a.Now(), n.ID, closing)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO ticket_notes (id, ticket, body, at)
		SELECT $1, id, $2, $3 FROM tickets WHERE about = $4 AND closed_at IS NULL ON CONFLICT (id) DO NOTHING`, n.ID, n.Body, a.Now(), t.About)
	return err
}

// Tickets lists the tickets of a customer, oldest first.
func (a *App) Tickets(ctx context.Context, customer string) ([]Ticket, error) {
	rows, err := a.Pool.Query(ctx, `SELECT customer, about, subject, opened_at, closed_at,
		ARRAY(SELECT body FROM ticket_notes WHERE ticket = tickets.id ORDER BY at, id)
		FROM tickets WHERE customer = $1 ORDER BY id`, customer)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Ticket])
}
