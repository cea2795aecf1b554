package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// story is what is told, on a stage.
type story struct {
	*stage
	w          io.Writer
	acme       *acme
	tess, bert *person
	plan       runner.PlanView
}

// tell tells the story to w, in a database.
func tell(ctx context.Context, w io.Writer, dsn string) error {
	s, err := newStage(ctx, dsn, w)
	if err != nil {
		return err
	}
	defer s.end(context.WithoutCancel(ctx))
	t := &story{stage: s, w: w}
	for _, chapter := range []func(context.Context) error{t.before, t.adoption, t.watch, t.renewal, t.approval, t.move, t.last} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (t *story) say(format string, args ...any) { _, _ = fmt.Fprintf(t.w, format+"\n", args...) }

func (t *story) before(ctx context.Context) (err error) {
	t.say("An RMM has run for years: customers, technicians, devices, tickets, and server tokens in a table.")
	if t.acme, err = t.addAcme(ctx); err != nil {
		return err
	}
	if err := t.first.app.AddCustomer(ctx, "beta", "Beta Ltd."); err != nil {
		return err
	}
	admin := t.apple.AddOrganization("Beta Ltd.").AddAdmin("it@beta.example")
	for i := range 18 {
		if _, err := t.linked(ctx, admin, "beta", fmt.Sprint("Beta, site ", i+1)); err != nil {
			return err
		}
	}
	broken := rmm.Token{Customer: "beta", Name: "Beta, closed site", Token: []byte(`{"sToken": "..."}`)}
	if err := t.first.app.AddToken(ctx, broken); err != nil {
		return err
	}
	if t.tess, err = t.hire(ctx, "tess", rmm.Technicians, "acme"); err != nil {
		return err
	}
	t.bert, err = t.hire(ctx, "bert", rmm.Technicians, "acme", "beta")
	return err
}

func (t *story) adoption(ctx context.Context) error {
	t.say("\nIts 21 tokens are adopted, with the one key pair that they share.")
	total, err := adopt(ctx, t.first.app, t.first.runner, func(r runner.RowResult) {
		if r.Problem != nil {
			t.say("  %s: %v", r.Reference, r.Problem)
		}
	})
	if err != nil {
		return err
	}
	t.say("  %d added, %d refused; once more: nothing changes.", total.Added, total.Refused)
	again, err := adopt(ctx, t.first.app, t.first.runner, func(runner.RowResult) {})
	if err == nil && again.Added+again.Updated > 0 {
		err = errors.New("the second adoption changed something")
	}
	if err != nil {
		return err
	}
	return adoptPush(ctx, ports{t.first.app}, t.first.runner, enrollment.Nobody, "acme")
}

// servers is what the RMM's page of a customer shows.
func (t *story) servers(ctx context.Context) (map[string]enrollment.ServerID, error) {
	var page struct {
		Servers []struct {
			ID       enrollment.ServerID
			Name     string
			Health   enrollment.Health
			DaysLeft int `json:"days_left"`
		}
	}
	err := t.tess.ask(ctx, "GET", "/customers/acme/apple", nil, &page)
	ids := map[string]enrollment.ServerID{}
	for _, s := range page.Servers {
		ids[s.Name] = s.ID
		t.say("  %s: %s, %d days left", s.Name, s.Health, s.DaysLeft)
	}
	return ids, err
}

func (t *story) watch(ctx context.Context) error {
	t.say("\nA day later, its cron job has asked Apple about each. A technician opens the page of Acme:")
	t.clock.Pass(24 * time.Hour)
	t.first.app.RunJobs(ctx)
	ids, err := t.servers(ctx)
	if err != nil {
		return err
	}
	if err := t.ready(ctx, t.acme, ids); err != nil {
		return err
	}
	var refused *refusal
	if err := t.tess.ask(ctx, "GET", "/customers/beta/apple", nil, nil); !errors.As(err, &refused) {
		return errors.New("a technician saw another team's customer")
	}
	t.say("  Beta is another team's: %v", refused)
	return nil
}

func (t *story) renewal(ctx context.Context) error {
	t.say("\nShe renews a token, with the help of Acme's administrator at Apple's portal:")
	site, base := t.acme.from, "/customers/acme/apple/"
	var run struct {
		ID, State string
	}
	if err := t.tess.ask(ctx, "POST", base+string(site.server)+"/renewal", nil, &run); err != nil {
		return err
	}
	var certificate []byte
	if err := t.tess.ask(ctx, "GET", base+"renewals/"+run.ID+"/certificate", nil, &certificate); err != nil {
		return err
	}
	if err := site.admin.ReplaceCertificate(site.service, certificate); err != nil {
		return err
	}
	t.clock.Pass(time.Minute)
	file, name, err := site.admin.DownloadToken(site.service)
	if err != nil {
		return err
	}
	var refused *refusal
	if err := t.tess.ask(ctx, "POST", base+string(site.server)+"/token", []byte("the wrong file"), nil); !errors.As(err, &refused) {
		return fmt.Errorf("a file that is no token was not refused: %w", err)
	}
	t.say("  the wrong file: %v", refused)
	if err := t.tess.ask(ctx, "POST", base+string(site.server)+"/token", file, &run); err != nil {
		return err
	}
	t.say("  %s: %s", name, run.State)
	return nil
}

func (t *story) approval(ctx context.Context) error {
	t.say("\nAcme's devices are to go to the second cluster. Two people of the vendor's have allowed wipes, with the default caps.")
	if err := t.first.allowWipes(ctx); err != nil {
		return err
	}
	var failed error
	t.connect(ctx, func(err error) { failed = errors.Join(failed, err) })
	var serials []string
	for _, spec := range []fleet.Spec{
		{Serial: "MACBOOK1", OS: "15.1"}, {Serial: "MACBOOK2", OS: "15.1"}, {Serial: "MACBOOK3", OS: "14.6"},
		{Serial: "PHONE1", Family: enrollment.FamilyIPhone, OS: "26.1", Migrates: 24 * time.Hour},
		{Serial: "SHAREDPAD", Family: enrollment.FamilyIPad, OS: "17.4", SharedIPad: true},
	} {
		if _, err := t.device(t.acme, spec); err != nil {
			return err
		}
		serials = append(serials, spec.Serial)
	}
	t.world.Step()
	wish := map[string]any{"serials": serials, "deadline": 72 * time.Hour, "route": migration.Route{
		From: t.acme.from.server, To: t.acme.to.server, Profile: t.acme.profile, OldMDM: t.old.ID(), NewMDM: t.next.ID(),
	}}
	plans := "/customers/acme/apple/plans"
	if err := errors.Join(failed, t.tess.ask(ctx, "POST", plans, wish, &t.plan)); err != nil {
		return err
	}
	t.say("  %d devices: the plan is %s", len(serials), t.plan.State)
	approve := plans + "/" + string(t.plan.ID) + "/approval"
	word := runner.Approved{Digest: t.plan.Digest}
	var refused *refusal
	if err := t.tess.ask(ctx, "POST", approve, word, nil); !errors.As(err, &refused) {
		return errors.New("a technician approved her own plan")
	}
	t.say("  Tess approves her own plan: %v", refused)
	if err := t.bert.ask(ctx, "POST", approve, word, &t.plan); err != nil {
		return err
	}
	t.say("  Bert approves it: the plan is %s", t.plan.State)
	return nil
}

func (t *story) move(ctx context.Context) error {
	t.say("\nDays pass. Wipes go through the RMM's own queue; what devices say changes its rows and the library's in one transaction.")
	path := "/customers/acme/apple/plans/" + string(t.plan.ID)
	ended := func() bool {
		return t.tess.ask(ctx, "GET", path, nil, &t.plan) == nil && !t.plan.State.Live()
	}
	if err := t.live(ctx, 10*24*time.Hour, nil, ended); err != nil {
		return err
	}
	t.say("  the plan is %s", t.plan.State)
	for _, d := range t.world.Devices() {
		row, err := t.first.app.LastDevice(ctx, "acme", d.Serial())
		if err != nil {
			return err
		}
		t.say("  %s: at %s, erased %d times", d.Serial(), row.MDM, d.Erases())
	}
	return nil
}

func (t *story) last(ctx context.Context) error {
	var thrown migration.Switch
	if err := t.bert.ask(ctx, "POST", "/customers/acme/apple/kill-switch", nil, &thrown); err != nil {
		return err
	}
	t.say("\nBert throws the kill switch: from now on no wipe leaves for Acme (thrown: %v).", thrown.Thrown)
	report, err := t.first.runner.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	t.say("The audit has %d entries about %d subjects, and %d faults.", report.Entries, report.Subjects, len(report.Faults))
	return nil
}
