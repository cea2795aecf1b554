package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage/bolt"
)

var tess = enrollment.Actor{ID: "tess@rmm.example", Name: "Tess", Kind: enrollment.Person}

const (
	seconds = 5 * time.Second // how long a click waits for an outcome
	never   = time.Duration(-1)
)

// story is what happens, and what it happens to.
type story struct {
	w        io.Writer
	calendar *calendar
	path     string
	mail     []string

	apple   *appletest.Apple
	admin   *appletest.Admin // the customer's administrator, who clicks at Apple's portal
	service *appletest.Service

	store  *bolt.Store
	runner *runner.Runner
	acme   *runner.Tenant
	server enrollment.ServerID
	run    enrollment.RenewalID
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.w, format+"\n", args...) }

// customer makes the fake Apple and a customer in it.
func (s *story) customer() {
	s.apple = appletest.New(appletest.Options{Now: s.calendar.Now})
	s.admin = s.apple.AddOrganization("Acme Inc.").AddAdmin("it@acme.example")
}

func (s *story) firstToken(ctx context.Context) error {
	s.say(`The life of a server token: the file with which Apple lets a management service see a company's devices. It ends after a
year, and from the download of the next one on the old one is dead: a renewal that goes wrong in between leaves the company
with none. Here Apple is a fake in this process and the store a file in a temporary folder; all between is the library.
`)
	s.say("1. A customer's server gets its first token.")
	if err := s.open(ctx, seconds); err != nil {
		return err
	}
	server, err := s.acme.AddServer(ctx, tess, runner.NewServer{Name: "Acme MDM"})
	if err != nil {
		return err
	}
	s.server = server.ID
	started, err := s.acme.StartRenewal(ctx, tess, s.server)
	if err != nil {
		return err
	}
	cert, err := s.acme.Certificate(ctx, tess, started.ID)
	if err != nil {
		return err
	}
	if s.service, err = s.admin.CreateService("Acme MDM", cert.PEM); err != nil {
		return err
	}
	file, name, err := s.admin.DownloadToken(s.service)
	if err != nil {
		return err
	}
	s.say("  At Apple's portal the administrator adds the service and downloads %s.", name)
	_, err = s.acme.UploadToken(ctx, tess, runner.Upload{Server: s.server, File: bytes.NewReader(file)})
	if !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeConfirm}) {
		return fmt.Errorf("a person should have been asked: %w", err)
	}
	s.say("  Nobody knows yet whose token it should be, so a person is asked:\n    %v.", enrollment.ProblemOf(err).Title)
	if _, err := s.acme.Confirm(ctx, tess, started.ID); err != nil {
		return err
	}
	return s.health(ctx, "Tess confirms.")
}

// health shows the server as a dashboard would.
func (s *story) health(ctx context.Context, before string) error {
	v, err := s.acme.Server(ctx, s.server)
	if err != nil {
		return err
	}
	s.say("  %s %s is %s: %d days left.", before, v.Name, v.Health, v.DaysLeft)
	return nil
}

func (s *story) yearPasses(ctx context.Context) error {
	s.say("\n2. 345 days pass; the host's scheduler calls RunDue (here once in five days, to be quick).")
	for range 69 {
		s.calendar.pass(5 * 24 * time.Hour)
		if ran, err := s.runner.RunDue(ctx, runner.Due{}); err != nil || ran.Failed > 0 {
			return errors.Join(err, fmt.Errorf("%d things failed", ran.Failed))
		}
	}
	s.say("  Each time Apple was asked whether the token lives. Reminders that went out: %s.", strings.Join(s.mail, ", "))
	return s.health(ctx, "The list says:")
}

func (s *story) certificate(ctx context.Context) error {
	s.say("\n4. Tess starts the renewal (the push certificate is looked at once more) and takes the certificate for the portal.")
	started, err := s.acme.StartRenewal(ctx, tess, s.server)
	if err != nil {
		return err
	}
	s.run = started.ID
	cert, err := s.acme.Certificate(ctx, tess, s.run)
	if err != nil {
		return err
	}
	s.say("  Its private key was in the store, sealed, before %s left.", cert.FileName)
	if err := s.crash(ctx, never, "between certificate and upload"); err != nil {
		return err
	}
	again, err := s.acme.StartRenewal(ctx, tess, s.server)
	if err != nil || again.ID != s.run {
		return errors.Join(err, errors.New("the renewal was lost"))
	}
	s.say("  Starting again finds the same renewal, in state %s.", again.State)
	return s.admin.ReplaceCertificate(s.service, cert.PEM)
}

func (s *story) wrongFile(ctx context.Context) error {
	s.say("\n5. Somebody uploads the wrong file first: a content token of Apps and Books.")
	wrong := "eyJleHBEYXRlIjoiMjAyNy0wMS0wMVQwMDowMDowMCswMDAwIiwidG9rZW4iOiJhYmMiLCJvcmdOYW1lIjoiQWNtZSJ9"
	_, err := s.acme.UploadToken(ctx, tess, runner.Upload{Server: s.server, File: strings.NewReader(wrong)})
	if !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotServerToken}) {
		return fmt.Errorf("the file should have been refused: %w", err)
	}
	s.say("  Refused: %v.", err)
	return s.health(ctx, "Nothing changed:")
}

func (s *story) upload(ctx context.Context) error {
	s.say("\n6. The right file: the certificate was replaced at the portal, the token is downloaded and uploaded.")
	file, name, err := s.admin.DownloadToken(s.service)
	if err != nil {
		return err
	}
	s.say("  From this download on the old token is dead; %s is the only living one.", name)
	view, err := s.acme.UploadToken(ctx, tess, runner.Upload{Server: s.server, File: bytes.NewReader(file)})
	if !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeStillWorking}) {
		return fmt.Errorf("the upload should have been waiting for Apple: %w", err)
	}
	s.say("  It decrypts with the right key and is kept, sealed; the renewal is in state %s.", view.State)
	return s.crash(ctx, seconds, "before Apple could be asked whose token it is")
}

func (s *story) activation(ctx context.Context) error {
	s.say("\n7. The scheduler calls RunDue, and the new program goes on where the old one died.")
	ran, err := s.runner.RunDue(ctx, runner.Due{})
	if err != nil || ran.Failed > 0 {
		return errors.Join(err, fmt.Errorf("%d things failed", ran.Failed))
	}
	view, err := s.acme.Renewal(ctx, tess, s.run)
	if err != nil || view.State != renewal.Completed {
		return errors.Join(err, fmt.Errorf("the renewal is %s", view.State))
	}
	s.say("  Apple says that it belongs to the same service and organization.")
	s.say("  Token, key and renewal changed in one write: the renewal is %s.", view.State)
	return s.health(ctx, "The list says:")
}

func (s *story) lookBack(ctx context.Context) error {
	entries, err := s.acme.Audit(ctx, string(s.server), 0, 1000)
	if err != nil {
		return err
	}
	report, err := s.runner.VerifyAudit(ctx)
	if err != nil || len(report.Faults) > 0 {
		return errors.Join(err, fmt.Errorf("%d faults in the audit", len(report.Faults)))
	}
	s.say("\n8. Looking back: %d audit entries of this server, each bound to the one before it; the chain holds.", len(entries))
	token, err := s.acme.Tokens(s.server).Token(ctx)
	if err != nil {
		return err
	}
	file, err := os.ReadFile(s.path)
	if err != nil {
		return err
	}
	if bytes.Contains(file, []byte(token.AccessSecret().Reveal())) {
		return errors.New("the store file shows a secret")
	}
	s.say("  The store file has %d KiB and shows no secret of the token.", len(file)>>10)
	return nil
}
