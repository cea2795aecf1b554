package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

type keysCreate struct{}

func (*keysCreate) do(ctx context.Context, h *host) error {
	if err := h.connect(ctx); err != nil {
		return err
	}
	if err := h.check(ctx); err != nil {
		return err
	}
	if _, err := seal.OpenKeyring(h.Keyring, false); err == nil {
		return fmt.Errorf("there is a keyring %s already; it stays as it is", h.Keyring)
	}
	if _, err := seal.OpenKeyringFor(ctx, h.Keyring, h.store); err != nil {
		return err
	}
	_, err := fmt.Fprintf(h.out, "made %s: copy it to every machine, and back it up apart from the database\n", h.Keyring)
	return err
}

type keysAdd struct{}

// do puts a new master key in front of those in the file. The others stay, for what they have wrapped.
func (*keysAdd) do(_ context.Context, h *host) error {
	keyring, err := seal.OpenKeyring(h.Keyring, false)
	if err != nil {
		return err
	}
	if err := keyring.Rotate(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(h.out, "a new master key is in %s: copy it to every machine, then run worker keys rotate\n", h.Keyring)
	return err
}

type keysRotate struct {
	Actor string `env:"ABMRENEW_ACTOR" default:"operator" placeholder:"NAME" help:"Who does this, for the audit (${default})."`
}

// do wraps every data key with the newest master key, which all machines have by now, makes new data keys, and seals
// everything with them. Interrupted, it may be repeated at any time.
func (c *keysRotate) do(ctx context.Context, h *host) error {
	if err := h.open(ctx); err != nil {
		return err
	}
	if err := h.plug(wiring{}); err != nil {
		return err
	}
	wrapped, err := h.sealer.RewrapAll(ctx)
	if err != nil {
		return err
	}
	made, err := h.sealer.RotateDataKeys(ctx)
	if errors.Is(err, storage.ErrInvalid) {
		return fmt.Errorf("the keys were rotated too often within a day; earlier ones are kept for a day: %w", err)
	}
	if err != nil {
		return err
	}
	kinds := []seal.SweptKind{{Kind: kindSighting}}
	for _, k := range runner.KeptKinds() {
		kinds = append(kinds, seal.SweptKind{Kind: k.Kind, Installation: k.Installation})
	}
	swept, err := h.sealer.Sweep(ctx, seal.SweepOptions{Kinds: kinds})
	if err == nil && len(swept.Errors) > 0 {
		err = swept.Errors[0]
	}
	if err != nil {
		return fmt.Errorf("sealing anew, which may be repeated at any time: %w", err)
	}
	who := enrollment.Actor{ID: c.Actor, Name: c.Actor, Kind: enrollment.Person, Source: "worker"}
	if err := h.runner.NoteKeysRotated(ctx, who); err != nil {
		return err
	}
	_, err = fmt.Fprintf(h.out, "%d rings wrapped anew, %d new data keys, %d records sealed anew, %d old keys destroyed\n",
		wrapped, made, swept.Resealed, swept.Retired)
	return err
}
