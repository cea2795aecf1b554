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

type keysRotate struct {
	Who wholeName `embed:""`
}

// wholeName is who does something, for the audit.
type wholeName struct {
	Actor string `env:"ABMRENEW_ACTOR" default:"operator" placeholder:"NAME" help:"Who does this, for the audit (${default})."`
}

func (w wholeName) person() enrollment.Actor {
	return enrollment.Actor{ID: w.Actor, Name: w.Actor, Kind: enrollment.Person, Source: "worker"}
}

// do rotates the master key and the data keys. Every machine must have the new keyring before it needs a key that only this
// one knows, so the file is written first, and the old master key stays in it.
func (c *keysRotate) do(ctx context.Context, h *host) error {
	if err := h.open(ctx); err != nil {
		return err
	}
	if err := h.plug(wiring{}); err != nil {
		return err
	}
	if err := h.keyring.Rotate(); err != nil {
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
	var kinds []seal.SweptKind
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
	if err := h.runner.NoteKeysRotated(ctx, c.Who.person()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(h.out, "%d rings wrapped anew, %d new data keys, %d records sealed anew, %d old keys destroyed\ncopy %s to every machine now\n",
		wrapped, made, swept.Resealed, swept.Retired, h.Keyring)
	return err
}
