package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
	"time"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

const (
	claimed = 100 // records that are due at once
	lease   = time.Minute
)

// claims is a store file with records of 1.5 KB, like those of servers, of which a hundred are due, spread over all
// tenants. Each claim is made durable; after it the clock passes the lease, so that the same hundred are due again.
type claims struct {
	store *bolt.Store
	now   time.Time
}

func newClaims(ctx context.Context, dir string, size int) (*claims, error) {
	c := &claims{now: today}
	store, err := bolt.Open(filepath.Join(dir, "claim"+strconv.Itoa(size)+".db"), bolt.Options{Now: func() time.Time { return c.now }})
	if err != nil {
		return nil, err
	}
	c.store = store
	var write storage.Write
	for i := range size {
		wake := today.AddDate(10, 0, 0).Add(time.Duration(i) * time.Second)
		if i%(size/claimed) == 0 {
			wake = today
		}
		write.Put = append(write.Put, storage.Record{
			RecordKey: storage.RecordKey{Kind: "server", Tenant: fmt.Sprintf("tenant%06d", i), ID: "srv_1"},
			State:     "active", Wake: wake, Data: make([]byte, 1500),
		})
		if len(write.Put) == storage.MaxWriteSize || i == size-1 {
			if err := store.Commit(ctx, write); err != nil {
				return nil, err
			}
			write.Put = nil
		}
	}
	return c, nil
}

// claim leases all that is due.
func (c *claims) claim(ctx context.Context) error {
	got, err := c.store.Claim(ctx, storage.Claim{Kinds: []string{"server"}, Limit: claimed, Lease: lease})
	if err == nil && len(got.Records) != claimed {
		err = fmt.Errorf("%d records were due", len(got.Records))
	}
	c.now = c.now.Add(lease)
	return err
}
