package runner_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// whole says what is half done in the store of a world: what must never be seen, at whatever moment a process ends. A
// token, its key, its renewal, its service and its audit entry change together, and each secret that somebody refers to
// is there, and no other.
func whole(w *world) error {
	return wholeStore(w.t.Context(), w.store, w.keys)
}

type inspection struct {
	kept
	vault *storage.Vault
	bad   []error
	owed  map[string]bool // the secrets that somebody refers to
}

func (i *inspection) say(format string, args ...any) {
	i.bad = append(i.bad, fmt.Errorf(format, args...))
}

func wholeStore(ctx context.Context, store storage.Store, keys *seal.Keyring) error {
	k, err := keep(ctx, store)
	if err != nil {
		return err
	}
	sealer, err := seal.New(store, keys, seal.Options{})
	if err != nil {
		return err
	}
	r, err := runner.New(runner.Config{Store: store, Sealer: sealer, Verifier: nobodyAsked{}})
	if err != nil {
		return err
	}
	i := &inspection{kept: k, vault: storage.NewVault(store, sealer), owed: map[string]bool{}}
	if !i.erasing() {
		i.inspectServers(ctx)
		i.inspectRenewals(ctx)
		i.inspectOwners()
		i.inspectPushes(ctx)
		i.inspectPushRuns(ctx)
		i.inspectSecrets()
	}
	report, err := r.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	if len(report.Faults) > 0 {
		i.say("the audit does not verify: %v", report.Faults)
	}
	return errors.Join(i.bad...)
}

// erasing says that the only tenant is on its way out: then anything may be missing.
func (i *inspection) erasing() bool {
	return slices.ContainsFunc(i.tenants, func(t enrollment.Tenant) bool { return t.State == enrollment.TenantErased })
}

func (i *inspection) inspectServers(ctx context.Context) {
	for _, s := range i.servers {
		for _, k := range s.Keys {
			i.opens(ctx, s.owner(), "key", k.ID, func(text []byte) error { return nil })
		}
		if s.Watch.Generation != s.Generation() {
			i.say("server %s has token %d, its watch thinks %d", s.Name, s.Generation(), s.Watch.Generation)
		}
		activated := 0
		for _, e := range i.entries {
			if e.Subject == string(s.ID) && (e.Act == enrollment.ActTokenActivated || e.Act == enrollment.ActTokenAdopted) {
				activated++
			}
		}
		if int64(activated) != s.Generation() {
			i.say("server %s has token %d, but %d activations were written down", s.Name, s.Generation(), activated)
		}
		if s.Token == nil {
			continue
		}
		i.opens(ctx, s.owner(), "token", s.Token.Secret, func(text []byte) error {
			token, err := abmtoken.ParseToken(text)
			if err == nil && token.Fingerprint() != s.Token.Fingerprint {
				err = errors.New("it is another token")
			}
			return err
		})
		if _, held := s.Key(s.Token.KeyID); s.Token.KeyID != "" && !held {
			i.say("the key of the active token of %s is not on its ring", s.Name)
		}
		if !s.Watch.Expires.Equal(s.Token.Expires) {
			i.say("the watch of %s waits for another expiry", s.Name)
		}
	}
}

// opens demands that a secret is in the store and is what it should be.
func (i *inspection) opens(ctx context.Context, of owner, kind, id string, check func([]byte) error) {
	ref := storage.SecretRef{Tenant: string(of.tenant), Owner: of.id, Kind: kind, ID: id, Generation: 1}
	i.owed[ref.Key().ID] = true
	text, err := i.vault.Open(ctx, ref)
	if err == nil {
		err = check(text)
	}
	if err != nil {
		i.say("%s %s of %s: %w", kind, id, of.name, err)
	}
}

func (i *inspection) inspectRenewals(ctx context.Context) {
	for _, key := range i.never {
		i.say("%v is alive and never due", key)
	}
	live := map[enrollment.ServerID]int{}
	for _, r := range i.renewals {
		s, found := i.server(r.Server)
		if !found {
			i.say("renewal %s has no server", r.ID)
			continue
		}
		if r.Live() {
			live[r.Server]++
			if s.Renewal != r.ID {
				i.say("%s is alive, its server knows %q", r.ID, s.Renewal)
			}
			if r.Candidate != nil {
				i.opens(ctx, s.owner(), "token", r.Candidate.Secret, func([]byte) error { return nil })
			}
		} else if s.Renewal == r.ID {
			i.say("%s has ended, its server does not know", r.ID)
		}
		if r.State == "completed" && (s.Token == nil || s.Token.Expires.Before(r.Candidate.Expires)) {
			i.say("%s is completed without its token", r.ID)
		}
		if r.Key != nil {
			if _, held := s.Key(r.Key.ID); !held {
				i.say("the key of %s is not on the ring", r.ID)
			}
		}
		for _, c := range r.Spares {
			i.opens(ctx, s.owner(), "token", c.Secret, func([]byte) error { return nil })
		}
		if r.Refused != nil {
			i.opens(ctx, s.owner(), "token", r.Refused.Secret, func([]byte) error { return nil })
		}
	}
	for _, s := range i.servers {
		if live[s.ID] > 1 || s.Renewal != "" && live[s.ID] == 0 {
			i.say("server %s has %d living renewals and knows %q", s.Name, live[s.ID], s.Renewal)
		}
	}
}

func (i *inspection) inspectOwners() {
	for _, s := range i.servers {
		uuid := enrollment.NormalUUID(s.Pin.ServerUUID)
		if owner := i.services[uuid]; uuid != "" && !s.Retired() && owner.Server != s.ID {
			i.say("server %s is pinned to a service that stands for %q", s.Name, owner.Server)
		}
		for _, k := range s.Keys {
			if owner := i.recipients[k.Recipient]; k.Recipient != "" && owner.Server != s.ID {
				i.say("a key of %s is not found by its recipient", s.Name)
			}
		}
	}
}

func (i *inspection) inspectSecrets() {
	for _, id := range i.secrets {
		if !i.owed[id] {
			i.say("nobody refers to the secret %s", id)
		}
	}
	if len(i.owed) != len(i.secrets) {
		i.say("secrets: %v are referred to, %v are there", slices.Sorted(maps.Keys(i.owed)), strings.Join(i.secrets, " "))
	}
}
