package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

type keysRotate struct{}

// Help is shown with --help.
func (*keysRotate) Help() string {
	return `Adds a master key to the keyring file and wraps the data keys with it; makes a new data key for each tenant, and
seals and signs every record anew. Interrupted, it may be repeated at any time. Back the keyring up afterwards.

Earlier keys stay for a day, because other processes may still use them; the next rotation after that destroys them.`
}

func (*keysRotate) subject() subject { return subject{ID: "keys"} }

type rotated struct {
	subject
	MasterKey string `json:"master_key"` // the ID of the new one
	Rewrapped int    `json:"rewrapped"`  // rings of data keys
	DataKeys  int    `json:"data_keys"`  // new ones
	Resealed  int    `json:"resealed"`   // records
	Retired   int    `json:"retired"`    // old data keys destroyed
	Kept      int    `json:"kept"`       // records that could not be sealed anew
}

func (a *rotated) text(w io.Writer) {
	fmt.Fprintf(w, "master key %s, %d data keys, %d records sealed anew, %d old keys destroyed\n",
		a.MasterKey, a.DataKeys, a.Resealed, a.Retired)
}

func (c *keysRotate) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	defer h.waiting("Sealing everything anew")()
	ans := &rotated{subject: c.subject()}
	if err := h.rotateMasterKey(ctx, ans); err != nil {
		return ans, runner.ProblemOf(err)
	}
	if err := h.rotateDataKeys(ctx, ans); errors.Is(err, storage.ErrInvalid) {
		problem := enrollment.NewProblem(enrollment.CodeRefused, "state", "too many old keys").Because(err)
		problem.Title, problem.Next = "The keys were rotated too often within a day", "Rotate again tomorrow; earlier keys are kept for a day"
		return ans, problem
	} else if err != nil {
		return ans, runner.ProblemOf(err)
	}
	err := h.lib.NoteKeysRotated(ctx, h.actor())
	h.hint("Back up the keyring file %s, and not beside the store's backups", h.Keyring)
	return ans, err
}

func (h *host) rotateMasterKey(ctx context.Context, ans *rotated) error {
	if err := h.keyring.Rotate(); err != nil {
		return fmt.Errorf("%w: %w", storage.ErrKeyUnavailable, err)
	}
	var err error
	if ans.MasterKey, err = h.keyring.KeyID(ctx); err != nil {
		return err
	}
	ans.Rewrapped, err = h.sealer.RewrapAll(ctx)
	return err
}

func (h *host) rotateDataKeys(ctx context.Context, ans *rotated) error {
	made, err := h.sealer.RotateDataKeys(ctx)
	if errors.Is(err, storage.ErrInvalid) { // too many old keys: let go of those whose day is over
		if err = h.sweep(ctx, ans); err == nil {
			var more int
			more, err = h.sealer.RotateDataKeys(ctx)
			made += more
		}
	}
	if ans.DataKeys = made; err != nil {
		return err
	}
	return h.sweep(ctx, ans)
}

// sweep seals and signs every record with the newest keys, and destroys the old ones that nobody needs any more.
func (h *host) sweep(ctx context.Context, ans *rotated) error {
	var kinds []seal.SweptKind
	for _, k := range runner.KeptKinds() {
		kinds = append(kinds, seal.SweptKind{Kind: k.Kind, Installation: k.Installation})
	}
	for _, kind := range ownKinds() {
		kinds = append(kinds, seal.SweptKind{Kind: kind})
	}
	swept, err := h.sealer.Sweep(ctx, seal.SweepOptions{Kinds: kinds})
	ans.Resealed, ans.Retired, ans.Kept = ans.Resealed+swept.Resealed, ans.Retired+swept.Retired, swept.Kept
	if err == nil && len(swept.Errors) > 0 {
		err = swept.Errors[0]
	}
	return err
}
