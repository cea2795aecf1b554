package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// oldToken is a token as the RMM kept it.
func oldToken(n int, expires time.Time) []byte {
	return fmt.Appendf(nil, `{"consumer_key":"CK_%d","consumer_secret":"CS_%d","access_token":"AT_%d","access_secret":"AS_%d","access_token_expiry":%q}`,
		n, n, n, n, expires.Format(time.RFC3339))
}

// brought fills the RMM's table: so many tokens of so many customers, and rows that are wrong in every way that was seen.
func (s *test) brought(tokens, customers int) (wrong map[string]enrollment.Code) {
	s.t.Helper()
	ctx, pair := s.t.Context(), must(vendorKey())
	s.t.Helper()
	tx := must(s.first.pool.Begin(ctx))
	defer func() { require.NoError(s.t, tx.Commit(ctx)) }()
	for i := range customers {
		must(tx.Exec(ctx, `INSERT INTO customers VALUES ($1, $1)`, fmt.Sprintf("c%04d", i)))
	}
	rows := make([]rmm.Token, tokens)
	for i := range rows {
		rows[i] = rmm.Token{
			Customer: fmt.Sprintf("c%04d", i%customers), Name: fmt.Sprintf("Site %d", i), ServerUUID: fmt.Sprintf("%032X", i+1),
			Token: oldToken(i, s.clock.Now().AddDate(0, 0, 1+i%364)), PrivateKey: pair.Key, Certificate: string(pair.Certificate),
		}
	}
	wrong = map[string]enrollment.Code{}
	spoil := func(i int, code enrollment.Code, how func(r *rmm.Token)) {
		how(&rows[i])
		rows[i].Name = fmt.Sprintf("Wrong %d", i)
		wrong[rows[i].Name] = code
	}
	spoil(100, enrollment.CodeBadContent, func(r *rmm.Token) { r.Token = []byte(`{"sToken": "an Apps and Books token"}`) })
	spoil(200, enrollment.CodeInvalidInput, func(r *rmm.Token) {
		r.PrivateKey = []byte("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n")
	})
	spoil(300, enrollment.CodeInvalidInput, func(r *rmm.Token) { r.Token, r.PrivateKey, r.Certificate = nil, nil, "" })
	spoil(302, enrollment.CodeServiceTaken, func(r *rmm.Token) { r.ServerUUID = rows[1].ServerUUID })
	spoil(400, enrollment.CodeInvalidInput, func(r *rmm.Token) { r.Certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" })
	rows[500].PrivateKey, rows[500].Certificate = nil, "" // a token without its key
	rows[600].Token = nil                                 // a key whose token nobody has downloaded yet
	rows[700].Token = oldToken(700, s.clock.Now().AddDate(0, 0, -9))
	for _, r := range rows {
		require.NoError(s.t, s.first.app.AddTokenIn(ctx, tx, r))
	}
	return wrong
}

// must ends a test whose preparation fails.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// 3,000 tokens come over in one call, with memory for a few; what is wrong is told, row by row, and stops nothing. An adoption
// that was interrupted goes on, and one that is repeated changes nothing.
func TestAdoptionOfThreeThousand(t *testing.T) {
	t.Parallel()
	tokens, customers := 3000, 600
	if testing.Short() || raceDetector {
		tokens, customers = 750, 150
	}
	s := newTest(t)
	wrong := s.brought(tokens, customers)

	cut, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	_, err := adopt(cut, s.first.app, s.first.runner, func(runner.RowResult) {
		if seen++; seen == tokens/3 {
			cancel() // the process is stopped
		}
	})
	require.ErrorIs(t, err, context.Canceled)

	refused, warned := map[enrollment.Code]int{}, map[enrollment.Code]int{}
	tell := func(r runner.RowResult) {
		if r.Problem != nil {
			refused[r.Problem.Code]++
			assert.Contains(t, r.Reference, "mdm_tokens/")
		}
		if r.Warning != nil {
			warned[r.Warning.Code]++
		}
	}
	began := time.Now()
	total, err := adopt(t.Context(), s.first.app, s.first.runner, tell)
	took := time.Since(began)
	require.NoError(t, err)
	t.Logf("%d of %d tokens adopted in %v, %v each", total.Added, tokens, took.Round(time.Millisecond), (took / time.Duration(max(total.Added, 1))).Round(time.Microsecond))
	assert.Equal(t, tokens, total.Added+total.Unchanged+total.Refused)
	assert.GreaterOrEqual(t, total.Unchanged, tokens/3-len(wrong), "what came before the interruption")
	assert.Equal(t, len(wrong), total.Refused)
	want := map[enrollment.Code]int{}
	for _, code := range wrong {
		want[code]++
	}
	assert.Equal(t, want, refused)
	assert.Equal(t, 1, warned[enrollment.CodeKeyMissing])

	began = time.Now()
	again, err := adopt(t.Context(), s.first.app, s.first.runner, func(runner.RowResult) {})
	require.NoError(t, err)
	t.Logf("the same once more: %v", time.Since(began).Round(time.Millisecond))
	assert.Equal(t, runner.Adopted{Unchanged: tokens - len(wrong), Refused: len(wrong)}, again)

	health, err := s.first.runner.Stats(t.Context())
	require.NoError(t, err)
	n := 0
	for _, count := range health {
		n += count
	}
	assert.Equal(t, tokens-len(wrong), n)
	assert.Equal(t, 1, health[enrollment.Missing], "%v", health)
	assert.Equal(t, 1, health[enrollment.Expired], "%v", health)
	var refs int
	require.NoError(t, s.first.pool.QueryRow(t.Context(), `SELECT count(*) FROM mdm_tokens WHERE private_key IS NOT NULL`).Scan(&refs))
	assert.Equal(t, tokens-2, refs, "the RMM's table is as it was")
}

// Two processes adopt at once, because somebody started the import twice: each server is there once.
func TestTwoAdoptionsAtOnce(t *testing.T) {
	t.Parallel()
	s := newTest(t)
	ctx, pair := t.Context(), must(vendorKey())
	for i := range 60 {
		customer := fmt.Sprint("c", i%6)
		require.NoError(t, s.first.app.AddCustomer(ctx, customer, customer))
		require.NoError(t, s.first.app.AddToken(ctx, rmm.Token{
			Customer: customer, Name: fmt.Sprint("Site ", i), ServerUUID: fmt.Sprintf("%032X", i+1), Token: oldToken(i, s.clock.Now().AddDate(1, 0, 0)),
			PrivateKey: pair.Key, Certificate: string(pair.Certificate),
		}))
	}
	both := []*process{s.first, must(s.start(ctx))}
	totals, errs := make([]runner.Adopted, 2), make([]error, 2)
	var imports sync.WaitGroup
	for i, p := range both {
		imports.Go(func() {
			for { // as a person does who is told that somebody else was at it
				if totals[i], errs[i] = adopt(ctx, p.app, p.runner, func(runner.RowResult) {}); errs[i] == nil || !enrollment.ProblemOf(errs[i]).Retry {
					return
				}
			}
		})
	}
	imports.Wait()
	require.NoError(t, errors.Join(errs...))
	for _, total := range totals {
		assert.Zero(t, total.Refused)
		assert.Equal(t, 60, total.Added+total.Updated+total.Unchanged)
	}
	assert.Equal(t, map[enrollment.Health]int{enrollment.NeverChecked: 60}, must(s.first.runner.Stats(ctx)))
	var tokens int
	require.NoError(t, s.first.pool.QueryRow(ctx, `SELECT count(*) FROM `+s.schema+`_apple.records WHERE kind = 'secret' AND id LIKE '%/token/%'`).Scan(&tokens))
	assert.Equal(t, 60, tokens, "no token was sealed twice")
}
