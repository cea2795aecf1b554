package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

// The MDMs that plans name: the one that devices leave, and the one where they enroll. Where one MDM stands behind both
// services, it is the old one.
const (
	oldMDM enrollment.MDMID = "old"
	newMDM enrollment.MDMID = "new"
)

// nanomdmFlags say where the old MDM is.
type nanomdmFlags struct {
	NanoMDM       string `name:"nanomdm-url" placeholder:"URL" help:"The NanoMDM server that manages the devices now, through which they are wiped: https, or http on this machine."`
	NanoMDMKey    string `name:"nanomdm-key" placeholder:"@FILE" env:"ABMCTL_NANOMDM_KEY" help:"The key of its API: in the environment, or @FILE with it on the first line. A key on the command line shows in the list of processes."`
	NanoMDMNoPush bool   `name:"nanomdm-no-push" help:"Do not have devices woken; they take a wipe when they come by."`
}

// openNanoMDM makes the client of the old MDM; nil: no flag names it.
func (h *host) openNanoMDM() (*nanomdm.Server, error) {
	if h.NanoMDM == "" {
		return nil, nil
	}
	key, err := secretOf("nanomdm-key", h.NanoMDMKey)
	if err != nil {
		return nil, err
	}
	if key.IsZero() {
		return nil, wrong("nanomdm-key", "given beside --nanomdm-url: in ABMCTL_NANOMDM_KEY, or as @FILE")
	}
	roots, err := h.roots()
	if err != nil {
		return nil, err
	}
	server, err := nanomdm.NewServer(nanomdm.Options{
		BaseURL: h.NanoMDM, APIKey: key, NoPush: h.NanoMDMNoPush, RootCAs: roots, Now: h.now,
		Private: true, // who starts this program says where the own MDM is
	})
	if err != nil {
		return nil, wrong("nanomdm-url", fmt.Sprint("https, or http to this machine: ", err)).Because(err)
	}
	return server, nil
}

// oldServer finds the old MDM; no other one takes a wipe from here.
func (h *host) oldServer(_ context.Context, _ enrollment.TenantID, mdm enrollment.MDMID) (*nanomdm.Server, error) {
	if mdm != oldMDM {
		return nil, fmt.Errorf("abmctl sends nothing to the MDM %q: %w", mdm, enrollment.ErrNoDevice)
	}
	return h.nanomdm, nil
}

// checkins reads devices from what came by in check-ins. That none has come by does not mean that the MDM does not manage
// the device: then nothing is known of it.
type checkins struct{ *nanomdm.Reader }

func checkinsOf(h *host) checkins { return checkins{nanomdm.NewReader(h.sightings, h.now)} }

func (r checkins) DeviceFacts(
	ctx context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID, d enrollment.Device,
) (enrollment.DeviceFacts, error) {
	facts, err := r.Reader.DeviceFacts(ctx, tenant, mdm, d)
	if errors.Is(err, enrollment.ErrNoDevice) {
		return enrollment.DeviceFacts{MDM: mdm}, nil
	}
	return facts, err
}

// secretOf reads a secret that a flag names: as it stands, or the first line of @FILE.
func secretOf(flag, value string) (abmtoken.Secret, error) {
	path, isFile := strings.CutPrefix(value, "@")
	if !isFile {
		return abmtoken.NewSecret(value), nil
	}
	line, err := firstLine(path)
	if err != nil || line == "" {
		return abmtoken.Secret{}, wrong(flag, "@ and a file with the key on its first line").Because(err)
	}
	return abmtoken.NewSecret(line), nil
}

// maxSecretFile bounds a file with a secret.
const maxSecretFile = 4 << 10

func firstLine(path string) (string, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", err
	case info.IsDir() || info.Size() > maxSecretFile:
		return "", errors.New(path + " is no file with one line")
	}
	text, err := os.ReadFile(path)
	if err != nil || len(text) > maxSecretFile {
		return "", errors.Join(err, errors.New(path+" is no file with one line"))
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSpace(line), nil
}
