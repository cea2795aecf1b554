package main

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// makeKey is what somebody waits for who asks for a certificate.
func makeKey(context.Context) error {
	_, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: today})
	return err
}

// sealing seals and opens a secret of 2 KB, a key pair's size, with the tenant's key in memory.
func sealing(ctx context.Context) (subject, error) {
	sealer, err := seal.New(memory.New(nil), seal.MemoryKeyring(), seal.Options{})
	place, secret := []byte("srv_1/key/1"), make([]byte, 2<<10)
	do := func(ctx context.Context) error {
		sealed, err := sealer.Seal(ctx, "acme", place, secret)
		if err == nil {
			_, err = sealer.Open(ctx, "acme", place, sealed)
		}
		return err
	}
	if err == nil {
		err = do(ctx) // makes the tenant's key
	}
	return subject{name: "seal and open 2 KB", do: do}, err
}

const adoptedAtOnce = 64

// adoption takes servers with their tokens into a store file, sealed, each tenant with a data key of its own.
type adoption struct {
	runner *runner.Runner
	token  abmtoken.Token
	count  int
}

func newAdoption(dir string, f *tokenFile) (*adoption, error) {
	file, err := bolt.Open(filepath.Join(dir, "adopt.db"), bolt.Options{})
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(file, seal.MemoryKeyring(), seal.Options{})
	if err != nil {
		return nil, err
	}
	verifier, err := dep.NewVerifier(dep.Options{Transport: appletest.New(appletest.Options{}).Transport()})
	if err != nil {
		return nil, err
	}
	token, _, err := abmtoken.Open(f.file, f.now, f.pair)
	if err != nil {
		return nil, err
	}
	r, err := runner.New(runner.Config{Store: file, Sealer: sealer, Verifier: verifier})
	return &adoption{runner: r, token: token}, err
}

// rows are new servers: all of one tenant, or each of its own.
func (a *adoption) rows(oneTenant bool) iter.Seq2[runner.Adoption, error] {
	return func(yield func(runner.Adoption, error) bool) {
		first := a.count
		for range adoptedAtOnce {
			a.count++
			tenant := a.count
			if oneTenant {
				tenant = first
			}
			row := runner.Adoption{
				Tenant:    enrollment.TenantID(fmt.Sprintf("tenant%07d", tenant)),
				Reference: fmt.Sprint(a.count), Name: "Acme MDM", Token: a.token.JSON(),
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (a *adoption) subject(name string, oneTenant bool) subject {
	return subject{name: name, each: adoptedAtOnce, do: func(ctx context.Context) error {
		got, err := a.runner.Adopt(ctx, tess, a.rows(oneTenant), nil)
		if err == nil && got.Added != adoptedAtOnce {
			err = fmt.Errorf("%+v", got)
		}
		return err
	}}
}
