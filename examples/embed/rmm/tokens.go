package rmm

import (
	"context"
	"errors"
	"iter"

	"github.com/jackc/pgx/v5"
)

// Token is a row of our table of server tokens.
type Token struct {
	ID                         int64
	Customer, Name, ServerUUID string
	Token                      []byte // JSON; nil: not downloaded yet
	PrivateKey                 []byte // PEM
	Certificate                string // PEM
}

// AddToken adds a row.
func (a *App) AddToken(ctx context.Context, t Token) error {
	return a.within(ctx, func(tx pgx.Tx) error { return a.AddTokenIn(ctx, tx, t) })
}

// AddTokenIn adds a row in a transaction.
func (a *App) AddTokenIn(ctx context.Context, tx pgx.Tx, t Token) error {
	_, err := tx.Exec(ctx, `INSERT INTO mdm_tokens (customer, name, server_uuid, token, private_key, certificate) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.Customer, t.Name, t.ServerUUID, a.seal(t.Token), a.seal(t.PrivateKey), t.Certificate)
	return err
}

// Tokens reads the table row by row.
func (a *App) Tokens(ctx context.Context) iter.Seq2[Token, error] {
	return func(yield func(Token, error) bool) {
		rows, err := a.Pool.Query(ctx, `SELECT id, customer, name, server_uuid, token, private_key, certificate FROM mdm_tokens ORDER BY customer, id`)
		if err != nil {
			yield(Token{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var t Token
			var token, key []byte
			if err = rows.Scan(&t.ID, &t.Customer, &t.Name, &t.ServerUUID, &token, &key, &t.Certificate); err == nil {
				var err1, err2 error
				t.Token, err1 = a.open(token)
				t.PrivateKey, err2 = a.open(key)
				err = errors.Join(err1, err2)
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
		if rows.Err() != nil {
			yield(Token{}, rows.Err())
		}
	}
}

// KeepTokenAt notes who looks after a token from now on.
func (a *App) KeepTokenAt(ctx context.Context, id int64, keeper string) error {
	_, err := a.Pool.Exec(ctx, `UPDATE mdm_tokens SET kept_by = $2 WHERE id = $1`, id, keeper)
	return err
}

// ErrNone says that a customer has no such thing.
var ErrNone = errors.New("rmm: the customer has none")

// AddPushCertificate keeps the push certificate of a customer.
func (a *App) AddPushCertificate(ctx context.Context, customer string, certificate, key []byte) error {
	_, err := a.Pool.Exec(ctx, `INSERT INTO push_certificates VALUES ($1, $2, $3)
		ON CONFLICT (customer) DO UPDATE SET certificate = $2, private_key = $3`, customer, string(certificate), a.seal(key))
	return err
}

// PushCertificate returns the push certificate of a customer with its private key behind it, as PEM.
func (a *App) PushCertificate(ctx context.Context, customer string) (file []byte, err error) {
	var certificate string
	var sealed []byte
	err = a.Pool.QueryRow(ctx, `SELECT certificate, private_key FROM push_certificates WHERE customer = $1`, customer).Scan(&certificate, &sealed)
	if err = found(err, ErrNone); err != nil {
		return nil, err
	}
	key, err := a.open(sealed)
	return append([]byte(certificate), key...), err
}

// APIAccount is a customer's account for the Apple Business API.
type APIAccount struct {
	ClientID, KeyID string
	PrivateKey      []byte // PEM
}

// AddAPIAccount keeps the account of a customer.
func (a *App) AddAPIAccount(ctx context.Context, customer string, api APIAccount) error {
	_, err := a.Pool.Exec(ctx, `INSERT INTO api_accounts VALUES ($1, $2, $3, $4)`, customer, api.ClientID, api.KeyID, a.seal(api.PrivateKey))
	return err
}

// APIAccount returns the account of a customer.
func (a *App) APIAccount(ctx context.Context, customer string) (api APIAccount, err error) {
	var sealed []byte
	err = a.Pool.QueryRow(ctx, `SELECT client_id, key_id, private_key FROM api_accounts WHERE customer = $1`, customer).Scan(&api.ClientID, &api.KeyID, &sealed)
	if err = found(err, ErrNone); err != nil {
		return api, err
	}
	api.PrivateKey, err = a.open(sealed)
	return api, err
}

// PushCustomers are the customers with a push certificate.
func (a *App) PushCustomers(ctx context.Context) ([]string, error) {
	rows, err := a.Pool.Query(ctx, `SELECT customer FROM push_certificates ORDER BY customer`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}
