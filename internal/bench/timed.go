package main

import (
	"context"
	"io"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/storage"
)

// The parts of an upload, in the order in which they come first.
const (
	partRead     = "Read the file: S/MIME, base64, BER"
	partDecrypt  = "Decrypt it: key from its PEM, RSA, AES, JSON"
	partStore    = "Commit the candidate, sealed, with its audit entry"
	partClaim    = "Claim the renewal, to ask Apple"
	partAccount  = "Ask the fake Apple: session and /account"
	partActivate = "Commit token, server, renewal and audit at once"
	partLookUp   = "Look up records"
	partSeal     = "Seal, open, sign and verify"
	partRest     = "State machines, JSON of records, the rest"
)

var partNames = []string{
	partRead, partDecrypt, partStore, partClaim, partAccount, partActivate, partLookUp, partSeal, partRest,
}

// split is where the time of one run went, by part.
type split map[string]time.Duration

// stopwatch splits the time of runs into parts, without a gap: what passes between two timed calls belongs to the part
// that the earlier call said comes next. It is for one goroutine at a time.
type stopwatch struct {
	elapsed func() time.Duration
	runs    []split

	run     split
	last    time.Duration // until when the time of the run is split
	next    string        // the part that it goes to from there on
	opened  bool          // the key of the run is out of its seal
	commits int
}

func (w *stopwatch) begin() {
	w.run, w.last, w.next, w.opened, w.commits = split{}, w.elapsed(), partRest, false, 0
}

func (w *stopwatch) end() {
	w.pass(partRest)
	w.runs = append(w.runs, w.run)
	w.run = nil
}

// pass gives the time since the last call to its part, and what comes now to next.
func (w *stopwatch) pass(next string) {
	if w.run == nil {
		return
	}
	now := w.elapsed()
	w.run[w.next] += now - w.last
	w.last, w.next = now, next
}

// during times one call of a part; next is what follows it.
func (w *stopwatch) during(part, next string) (end func()) {
	w.pass(part)
	return func() { w.pass(next) }
}

// timedFile tells when the file has been read to its end.
type timedFile struct {
	io.Reader
	watch *stopwatch
}

func (f timedFile) Read(b []byte) (int, error) {
	defer f.watch.during(partRead, partRead)()
	return f.Reader.Read(b)
}

type timedStore struct {
	storage.Store
	watch *stopwatch
}

func (s timedStore) Get(ctx context.Context, k storage.RecordKey) (storage.Record, error) {
	defer s.watch.during(partLookUp, partRest)()
	return s.Store.Get(ctx, k)
}

func (s timedStore) GetMany(ctx context.Context, keys []storage.RecordKey) (map[storage.RecordKey]storage.Record, error) {
	defer s.watch.during(partLookUp, partRest)()
	return s.Store.GetMany(ctx, keys)
}

func (s timedStore) List(ctx context.Context, q storage.Query) ([]storage.Record, error) {
	defer s.watch.during(partLookUp, partRest)()
	return s.Store.List(ctx, q)
}

func (s timedStore) Claim(ctx context.Context, c storage.Claim) (storage.Claimed, error) {
	name := partClaim
	if c.Limit == 0 { // asks for the time only
		name = partLookUp
	}
	defer s.watch.during(name, partRest)()
	return s.Store.Claim(ctx, c)
}

func (s timedStore) Commit(ctx context.Context, write storage.Write) error {
	name := partActivate
	if s.watch.commits++; s.watch.commits == 1 {
		name = partStore
	}
	defer s.watch.during(name, partRest)()
	return s.Store.Commit(ctx, write)
}

type timedSealer struct {
	storage.Sealer
	watch *stopwatch
}

func (s timedSealer) Seal(ctx context.Context, tenant string, place, secret []byte) ([]byte, error) {
	defer s.watch.during(partSeal, partRest)()
	return s.Sealer.Seal(ctx, tenant, place, secret)
}

// Open is called for the key first; then the file is decrypted with it.
func (s timedSealer) Open(ctx context.Context, tenant string, place, sealed []byte) ([]byte, error) {
	next := partRest
	if !s.watch.opened {
		next, s.watch.opened = partDecrypt, true
	}
	defer s.watch.during(partSeal, next)()
	return s.Sealer.Open(ctx, tenant, place, sealed)
}

func (s timedSealer) Sign(ctx context.Context, tenant string, message []byte) ([]byte, error) {
	defer s.watch.during(partSeal, partRest)()
	return s.Sealer.Sign(ctx, tenant, message)
}

func (s timedSealer) Verify(ctx context.Context, tenant string, message, mac []byte) error {
	defer s.watch.during(partSeal, partRest)()
	return s.Sealer.Verify(ctx, tenant, message, mac)
}

type timedVerifier struct {
	abmtoken.Verifier
	watch *stopwatch
}

func (v timedVerifier) Account(ctx context.Context, token abmtoken.Token) (abmtoken.Account, error) {
	defer v.watch.during(partAccount, partRest)()
	return v.Verifier.Account(ctx, token)
}
