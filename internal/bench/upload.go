package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// host is a program with a store file, sealing and the fake Apple, whose one server has its first token.
type host struct {
	clock   *appletest.Calendar // Apple's and the store's
	watch   *stopwatch
	acme    *runner.Tenant
	admin   *appletest.Admin
	service *appletest.Service
	server  runner.ServerView
}

func newHost(ctx context.Context, dir string, elapsed func() time.Duration) (*host, error) {
	h := &host{clock: appletest.NewCalendar(today), watch: &stopwatch{elapsed: elapsed}}
	file, err := bolt.Open(filepath.Join(dir, "upload.db"), bolt.Options{Now: h.clock.Now})
	if err != nil {
		return nil, err
	}
	sealer, err := seal.New(file, seal.MemoryKeyring(), seal.Options{Now: h.clock.Now})
	if err != nil {
		return nil, err
	}
	apple := appletest.New(appletest.Options{Now: h.clock.Now})
	verifier, err := dep.NewVerifier(dep.Options{Transport: apple.Transport(), Now: h.clock.Now})
	if err != nil {
		return nil, err
	}
	r, err := runner.New(runner.Config{
		Store: timedStore{file, h.watch}, Sealer: timedSealer{sealer, h.watch}, Verifier: timedVerifier{verifier, h.watch},
	})
	if err != nil {
		return nil, err
	}
	h.acme = r.Tenant("acme")
	h.admin = apple.AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
	return h, h.firstToken(ctx)
}

func (h *host) firstToken(ctx context.Context) error {
	var err error
	if h.server, err = h.acme.AddServer(ctx, tess, runner.NewServer{Name: "Acme MDM"}); err != nil {
		return err
	}
	started, err := h.acme.StartRenewal(ctx, tess, h.server.ID)
	if err != nil {
		return err
	}
	certificate, err := h.acme.Certificate(ctx, tess, started.ID)
	if err != nil {
		return err
	}
	if h.service, err = h.admin.CreateService("Acme MDM", certificate.PEM); err != nil {
		return err
	}
	return h.upload(ctx)
}

// upload is what happens to a file from the click to the new token in use. What the portal does before is not measured.
func (h *host) upload(ctx context.Context) error {
	h.clock.Pass(24 * time.Hour)
	file, _, err := h.admin.DownloadToken(h.service)
	if err != nil {
		return err
	}
	h.watch.begin()
	view, err := h.acme.UploadToken(ctx, tess, runner.Upload{
		Server: h.server.ID, Confirm: true, File: timedFile{bytes.NewReader(file), h.watch},
	})
	h.watch.end()
	if err == nil && view.State != renewal.Completed {
		err = fmt.Errorf("the renewal is %s", view.State)
	}
	return err
}

// uploads gives the parts of an upload: the mean of the faster half of many runs, because whatever else the machine does
// can only make one slower.
func (h *host) uploads(ctx context.Context, times int) (split, error) {
	h.watch.runs = nil
	for range times {
		if err := h.upload(ctx); err != nil {
			return nil, err
		}
	}
	return fasterHalf(h.watch.runs), nil
}
