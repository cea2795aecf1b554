package runner_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// flow is something that people do with a host from its beginning to its end. What goes before it is done in peace.
type flow struct {
	name   string
	before []step
	steps  []step
}

// flows are all ways through the runner that write something.
func flows() []flow {
	active := []step{addServer, start, certificate, createService, download, confirmedUpload, aDay}
	return append([]flow{
		{"the first token is confirmed", nil,
			[]step{addServer, start, certificate, createService, download, upload(enrollment.CodeConfirm), confirm}},
		{"a renewal with a new certificate", active,
			[]step{start, certificate, replaceCertificate, download, upload("")}},
		{"terms are in the way", active,
			[]step{requireTerms, download, upload(enrollment.CodeTermsPending), acceptTerms, recheck}},
		{"Apple is down for a while", active,
			[]step{download, appleDown, upload(enrollment.CodeUnreachable), appleUp, recheck}},
		{"files are refused", active,
			[]step{start, keepOld, garbage(enrollment.CodeNotServerToken), anHour, download, upload(""), oldFile(enrollment.CodeOlderToken)}},
		{"a renewal is cancelled", active, []step{start, certificate, cancel, anHour, start}},
		{"a server is retired", active, []step{start, certificate, retire}},
		{"push certificate expired", active, []step{pushExpired, startBlocked, override, certificate, replaceCertificate, download, upload("")}},
		{"a token is rejected", active,
			[]step{changePassword, check(enrollment.Rejected), start, download, upload("")}},
		{"the host tells what Apple answered", active, []step{changePassword, tell, check(enrollment.Rejected)}},
		{"rules are set", []step{addServer}, []step{setPolicy, setTenantPolicy}},
		{"servers are adopted", []step{haveThree}, []step{adopt, aDay, adopt, adoptAgain}},
		{"a tenant leaves", append(active[:7:7], pushImport(0), pushStart, pushRequest), []step{start, closeTenant, eraseTenant}},
		{"the audit is exported", active, []step{export, quiet, export, rotated}},
	}, pushFlows()...)
}

const theServer = enrollment.ServerID("srv_acme")

// expecting makes an answer of a refusal that a person expects.
func expecting(w *world, code enrollment.Code, err error) error {
	if code == "" || err == nil {
		return err
	}
	w.errs = append(w.errs, err)
	if errors.Is(err, &enrollment.Problem{Code: code}) {
		return nil
	}
	return err
}

var (
	addServer = step{"add server", func(ctx context.Context, w *world) error {
		_, err := w.acme().AddServer(ctx, tech, runner.NewServer{ID: theServer, Name: "Acme MDM"})
		return err
	}}
	start = step{"start", func(ctx context.Context, w *world) error {
		v, err := w.acme().StartRenewal(ctx, tech, theServer)
		if err == nil {
			w.renewal = v.ID
		}
		return err
	}}
	startBlocked = step{"start, and hear of the push certificate", func(ctx context.Context, w *world) error {
		v, err := w.acme().StartRenewal(ctx, tech, theServer)
		if errors.Is(err, &enrollment.Problem{Code: enrollment.CodePushExpired}) {
			w.renewal = v.ID
			return nil
		}
		return fmt.Errorf("it was not held up: %w", orElse(err))
	}}
	override = step{"override", func(ctx context.Context, w *world) error {
		v, err := w.acme().OverridePush(ctx, tech, w.renewal, "devices are few")
		if err == nil && v.State != renewal.AwaitingUpload {
			err = errors.New("it does not go on")
		}
		if v, shown := w.acme().Renewal(ctx, tech, w.renewal); shown == nil && v.State == renewal.AwaitingUpload {
			return nil // it was done, and its answer was lost
		}
		return err
	}}
	certificate = step{"certificate", func(ctx context.Context, w *world) error {
		c, err := w.acme().Certificate(ctx, tech, w.renewal)
		if err == nil {
			w.cert = c.PEM
		}
		return err
	}}
	confirmedUpload = step{"upload, confirmed", func(ctx context.Context, w *world) error {
		_, err := w.acme().UploadToken(ctx, tech, runner.Upload{Server: theServer, Confirm: true, File: reader(w.file)})
		return err
	}}
	confirm = step{"confirm", func(ctx context.Context, w *world) error {
		_, err := w.acme().Confirm(ctx, tech, w.renewal)
		return err
	}}
	recheck = step{"recheck", func(ctx context.Context, w *world) error {
		page, err := w.acme().Renewals(ctx, tech, theServer, runner.Page{})
		if err != nil {
			return err
		}
		for _, r := range page.Renewals {
			if r.Live() {
				_, err = w.acme().Recheck(ctx, tech, r.ID)
				return err
			}
		}
		return nil
	}}
	cancel = step{"cancel", func(ctx context.Context, w *world) error {
		v, err := w.acme().Cancel(ctx, tech, w.renewal)
		if err == nil && v.Live() {
			err = errors.New("it lives on")
		}
		return err
	}}
	retire = step{"retire", func(ctx context.Context, w *world) error {
		_, err := w.acme().RetireServer(ctx, tech, theServer)
		return err
	}}
	tell = step{"tell Apple's answer", func(ctx context.Context, w *world) error {
		v, err := w.acme().Server(ctx, theServer)
		if err != nil {
			return err
		}
		within := w.In(w.life.around(w.store))
		if err := w.Warm(ctx, "acme"); err != nil {
			return err
		}
		return within.TokenAnswered(ctx, "acme", theServer, v.Token.Fingerprint, refusal{})
	}}
	setPolicy = step{"set policy", func(ctx context.Context, w *world) error {
		_, err := w.SetPolicy(ctx, tech, enrollment.PolicyChange{Reminders: []int{90, 30}})
		return err
	}}
	setTenantPolicy = step{"set the tenant's policy", func(ctx context.Context, w *world) error {
		every := 12 * time.Hour
		_, err := w.acme().SetPolicy(ctx, tech, enrollment.PolicyChange{ProbeEvery: &every})
		return err
	}}
	closeTenant = step{"close", func(ctx context.Context, w *world) error { return w.acme().Close(ctx, tech) }}
	eraseTenant = step{"erase", func(ctx context.Context, w *world) error { return w.acme().Erase(ctx, tech) }}
	quiet       = step{"quiet", func(ctx context.Context, w *world) error {
		_, err := w.acme().Quiet(ctx, tech, theServer, newClock().Now().AddDate(0, 2, 0))
		return err
	}}
	rotated = step{"keys rotated", func(ctx context.Context, w *world) error { return w.NoteKeysRotated(ctx, tech) }}
	export  = step{"export", func(ctx context.Context, w *world) error {
		for after := int64(0); ; {
			page, err := w.ExportAudit(ctx, after, 3)
			if err != nil {
				return err
			}
			for _, e := range page {
				if after++; e.Position != after {
					return fmt.Errorf("entry %d stands behind %d", e.Position, after-1)
				}
			}
			if len(page) < 3 {
				break
			}
		}
		_, err := w.AuditCheckpoint(ctx)
		return err
	}}
)

// refusal is what a client of the host's own may say.
type refusal struct{}

func (refusal) Error() string  { return "401 token_rejected" }
func (refusal) Reason() string { return "token_rejected" }
func (refusal) Unwrap() error  { return abmtoken.ErrRejected }

func (refusal) RetryAfter() time.Duration { return 0 }

var _ abmtoken.Detailed = refusal{}

func orElse(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return err
}

func upload(code enrollment.Code) step {
	return step{"upload", func(ctx context.Context, w *world) error {
		v, err := w.acme().UploadToken(ctx, tech, runner.Upload{Server: theServer, File: reader(w.file)})
		if err == nil {
			w.renewal = v.ID
		}
		if v.ID != "" {
			w.renewal = v.ID
		}
		return expecting(w, code, err)
	}}
}

func garbage(code enrollment.Code) step {
	return step{"upload garbage", func(ctx context.Context, w *world) error {
		_, err := w.acme().UploadToken(ctx, tech, runner.Upload{Server: theServer, File: strings.NewReader("<html>")})
		return expecting(w, code, orElse(err))
	}}
}

func oldFile(code enrollment.Code) step {
	return step{"upload an old file", func(ctx context.Context, w *world) error {
		_, err := w.acme().UploadToken(ctx, tech, runner.Upload{Server: theServer, File: reader(w.old)})
		return expecting(w, code, orElse(err))
	}}
}

func check(health enrollment.Health) step {
	return step{"check", func(ctx context.Context, w *world) error {
		v, err := w.acme().CheckServer(ctx, tech, theServer)
		if err == nil && v.Health != health {
			err = fmt.Errorf("it is %s", v.Health)
		}
		return err
	}}
}

var (
	createService = portal("create the service", func(w *world) (err error) {
		w.service, err = w.admin.CreateService("Acme MDM", w.cert)
		return err
	})
	replaceCertificate = portal("replace the certificate", func(w *world) error {
		return w.admin.ReplaceCertificate(w.service, w.cert)
	})
	download = portal("download", func(w *world) (err error) {
		w.file, _, err = w.admin.DownloadToken(w.service)
		w.files = append(w.files, w.file)
		return err
	})
	keepOld = portal("download, and leave it in a drawer", func(w *world) (err error) {
		w.old, _, err = w.admin.DownloadToken(w.service)
		w.files = append(w.files, w.old)
		return err
	})
	requireTerms = portal("new terms", func(w *world) error { w.org.RequireTerms(); return nil })
	acceptTerms  = portal("accept terms", func(w *world) error { return w.org.AcceptTerms(w.admin) })
	appleDown    = portal("Apple goes down", func(w *world) error { w.apple.Fail(appletest.Fault{Kind: appletest.Down}); return nil })
	appleUp      = portal("Apple comes back", func(w *world) error { w.apple.Heal(); return nil })
	pushExpired  = portal("the push certificate expires", func(w *world) error {
		w.push.report.NotAfter = w.clock.Now().Add(-time.Hour)
		return nil
	})
	changePassword = portal("change password", func(w *world) error { w.admin.ChangePassword(); return nil })
	aDay           = portal("a day passes", func(w *world) error { w.clock.Pass(24 * time.Hour); return nil })
	anHour         = portal("an hour passes", func(w *world) error { w.clock.Pass(time.Hour); return nil })
)
