package postgres_test

import (
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
)

// sqlState is the code that the server gave an error.
func sqlState(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said.Code
	}
	return ""
}
