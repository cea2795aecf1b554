package main

import (
	"context"
	"path/filepath"
	"runtime/metrics"
	"time"

	"go.etcd.io/bbolt"

	"github.com/abmrenew/abmrenew/storage"
)

// mirror is a store beside which another file is written with nothing but bbolt: the same bytes under the same keys, in as many
// transactions, without indexes, versions, checks and leases. It is what the disk and the engine cost without us.
type mirror struct {
	storage.Store
	raw   *bbolt.DB
	clock func() time.Duration

	took    time.Duration // by the raw writes
	commits int
	records int
	heap    uint64 // the most that was on it, garbage included
	sample  []metrics.Sample
}

var rawBucket = []byte("records")

func newMirror(dir string, store storage.Store, clock func() time.Duration) (*mirror, error) {
	raw, err := bbolt.Open(filepath.Join(dir, "raw.db"), 0o600, nil)
	if err != nil {
		return nil, err
	}
	err = raw.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket(rawBucket); return err })
	return &mirror{
		Store: store, raw: raw, clock: clock, sample: []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}},
	}, err
}

// Commit writes to both files. Only one call at a time may come from whoever is measured.
func (m *mirror) Commit(ctx context.Context, w storage.Write) error {
	if err := m.Store.Commit(ctx, w); err != nil {
		return err
	}
	metrics.Read(m.sample)
	m.heap = max(m.heap, m.sample[0].Value.Uint64())
	m.commits++
	m.records += len(w.Put)
	began := m.clock()
	defer func() { m.took += m.clock() - began }()
	return m.raw.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(rawBucket)
		for _, r := range w.Put {
			if err := b.Put([]byte(r.Kind+"\x00"+r.Tenant+"\x00"+r.ID), r.Data); err != nil {
				return err
			}
		}
		return nil
	})
}

// reset begins to measure anew.
func (m *mirror) reset() { m.took, m.commits, m.records, m.heap = 0, 0, 0, 0 }
