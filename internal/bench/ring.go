package main

import (
	"context"
	"fmt"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// ring is a file whose certificate was handed out last, with many other key pairs outstanding.
type ring struct {
	file     *tokenFile
	keys     []abmtoken.KeyPair // the right one is the last
	unmarked []abmtoken.KeyPair // the same without their certificates, so that each has to be tried
}

func newRing(f *tokenFile, size int) (*ring, error) {
	r := &ring{file: f}
	for i := range size {
		pair := f.pair
		if i < size-1 {
			var err error
			if pair, err = abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: f.now}); err != nil {
				return nil, err
			}
		}
		unmarked, err := abmtoken.ImportKeyPair([]byte(pair.PrivateKeyPEM().Reveal()), nil)
		if err != nil {
			return nil, err
		}
		r.keys, r.unmarked = append(r.keys, pair), append(r.unmarked, unmarked)
	}
	return r, nil
}

func (r *ring) open(keys []abmtoken.KeyPair) error {
	_, pair, err := abmtoken.Open(r.file.file, r.file.now, keys...)
	if err == nil && pair.ID() != r.file.pair.ID() {
		err = fmt.Errorf("opened with another key")
	}
	return err
}

// named finds the key by the certificate that the file names.
func (r *ring) named(context.Context) error { return r.open(r.keys) }

// anonymous tries one key after the other, each with an RSA operation: the certificates are not known.
func (r *ring) anonymous(context.Context) error { return r.open(r.unmarked) }

func (r *ring) single(context.Context) error { return r.open(r.keys[len(r.keys)-1:]) }
