package bolt

import (
	"context"

	"go.etcd.io/bbolt"
)

// WithoutSync returns o for a store that never asks the operating system to write.
func WithoutSync(o Options) Options {
	o.noSync = true
	return o
}

// Agree checks that the indexes of an open store and its records say the same.
func Agree(s *Store) error { return s.view(context.Background(), tx.agree) }

// Meddle changes the buckets of an open store past the store.
func Meddle(s *Store, change func(bucket func(name string) *bbolt.Bucket) error) error {
	return s.file.db.Update(func(t *bbolt.Tx) error {
		return change(func(name string) *bbolt.Bucket { return t.Bucket([]byte(name)) })
	})
}

// IsFull reports whether err says that there is no room.
func IsFull(err error) bool { return isFull(err) }
