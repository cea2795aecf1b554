package installation

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// People of every installation.
var (
	Tess = enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person}
	Bob  = enrollment.Actor{ID: "u-8", Name: "Bob", Kind: enrollment.Person}
)

// Names that the copies replace.
const (
	sourceTenant = "tenant-of-the-source"
	oldMDM       = "old"
	newMDM       = "new"
)

// source is a host of one tenant with a fake Apple, whose one plan moves [PlanDevices] devices from one server to another.
type source struct {
	now     time.Time
	store   *memory.Store
	sealer  storage.Sealer
	apple   *appletest.Apple
	org     *appletest.Organization
	admin   *appletest.Admin
	world   *fleet.World
	clients map[enrollment.ServerID]*dep.Client
	*dep.Services
	runner   *runner.Runner
	from, to sourceServer
	old, new *fleet.MDM
	profile  string
	plan     enrollment.PlanID
}

// sourceServer is a server and the service at Apple that it stands for.
type sourceServer struct {
	id    enrollment.ServerID
	apple *appletest.Service
}

func newSource(ctx context.Context) (*source, error) {
	s := &source{now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), clients: map[enrollment.ServerID]*dep.Client{}}
	s.store = memory.New(s.clock)
	sealer, err := seal.New(s.store, seal.MemoryKeyring(), seal.Options{Now: s.clock})
	if err != nil {
		return nil, err
	}
	s.sealer = sealer
	s.apple = appletest.New(appletest.Options{Now: s.clock})
	s.org = s.apple.AddOrganization("Acme Inc.")
	s.admin = s.org.AddAdmin("it@acme.example")
	s.world = fleet.New(fleet.Options{Now: s.clock, Wait: s.pass})
	verifier, err := dep.NewVerifier(dep.Options{Transport: s.apple.Transport(), Now: s.clock})
	if err != nil {
		return nil, err
	}
	s.Services = dep.NewServices(func(_ context.Context, at enrollment.Service) (*dep.Client, error) { return s.clients[at.Server], nil })
	s.runner, err = runner.New(runner.Config{
		Store: s.store, Sealer: s.sealer, Verifier: verifier, Assigner: s, Profiles: s.Services, Devices: s,
		Wipes: s.world.Ports(), MDM: s.world.Ports(), Locks: s.world.Ports(), Workers: 1,
	})
	if err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{s.addServers, s.defineProfile, s.allowWipes, s.addDevices} {
		if err := step(ctx); err != nil {
			return nil, fmt.Errorf("making the plan that is copied: %w", err)
		}
	}
	return s, nil
}

func (s *source) clock() time.Time         { return s.now }
func (s *source) pass(d time.Duration)     { s.now = s.now.Add(d) }
func (s *source) tenant() *runner.Tenant   { return s.runner.Tenant(sourceTenant) }
func (s *source) servers() []*sourceServer { return []*sourceServer{&s.from, &s.to} }
func (s *source) mdms() map[string]**fleet.MDM {
	return map[string]**fleet.MDM{oldMDM: &s.old, newMDM: &s.new}
}

// addServers adopts both servers, with one key pair.
func (s *source) addServers(ctx context.Context) error {
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Source", Now: s.now})
	if err != nil {
		return err
	}
	key := runner.AdoptedKey{Key: pair.PrivateKeyPEM(), Certificate: pair.CertificatePEM()}
	for i, at := range s.servers() {
		name := fmt.Sprint("MDM ", i)
		if at.apple, err = s.admin.CreateService(name, pair.CertificatePEM()); err != nil {
			return err
		}
		file, _, err := s.admin.DownloadToken(at.apple)
		if err != nil {
			return err
		}
		row := runner.Adoption{
			Tenant: sourceTenant, Reference: name, Name: name, TokenFile: file, Keys: []runner.AdoptedKey{key}, ServerUUID: at.apple.UUID(),
		}
		report := func(r runner.RowResult) {
			if at.id = r.Server; r.Problem != nil {
				err = r.Problem
			}
		}
		if _, adopting := s.runner.Adopt(ctx, Tess, one(row), report); adopting != nil || err != nil {
			return errors.Join(adopting, err)
		}
		if s.clients[at.id], err = dep.NewClient(s.tenant().Tokens(at.id), dep.Options{Transport: s.apple.Transport(), Now: s.clock}); err != nil {
			return err
		}
	}
	s.pass(48 * time.Hour) // until the first probes are due
	return s.due(ctx)
}

func one[T any](v T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { yield(v, nil) }
}

// defineProfile puts an MDM behind each server.
func (s *source) defineProfile(ctx context.Context) error {
	for name, mdm := range s.mdms() {
		*mdm = s.world.AddMDM(sourceTenant, enrollment.MDMID(name))
		(*mdm).Subscribe(func(e enrollment.DeviceEvent) { _, _ = s.tenant().Observe(ctx, e) })
	}
	s.old.Serves(s.from.apple, s.from.id)
	s.new.Serves(s.to.apple, s.to.id)
	var err error
	for at, mdm := range map[sourceServer]*fleet.MDM{s.from: s.old, s.to: s.new} {
		var uuid string
		if uuid, err = s.clients[at.id].DefineProfile(ctx, dep.Profile{Name: at.apple.Name(), URL: mdm.URL(), Magic: "acme"}); err != nil {
			return err
		}
		if at == s.to {
			s.profile = uuid
		}
	}
	return nil
}

// allowWipes lets the plan end within days.
func (s *source) allowWipes(ctx context.Context) error {
	hours := func(n int) *time.Duration { d := time.Duration(n) * time.Hour; return &d }
	_, err := s.runner.SetPolicy(ctx, Tess, enrollment.PolicyChange{
		WipeAnswerWithin: hours(3), EnrollWithin: hours(3), MigrationDeadline: hours(26),
	})
	if err != nil {
		return err
	}
	return AllowWipes(ctx, s.runner)
}

// AllowWipes switches wipes on for the whole installation, as two persons do, unless they are on.
func AllowWipes(ctx context.Context, r *runner.Runner) error {
	now, err := r.Policy(ctx)
	if err != nil || now.Wipes.On {
		return err
	}
	yes := true
	set, err := r.SetPolicy(ctx, Tess, enrollment.PolicyChange{Wipes: &enrollment.WipeChange{On: &yes}})
	if err != nil || set.Proposal == nil {
		return err
	}
	_, err = r.ApproveProposal(ctx, Bob, set.Proposal.ID, runner.Approved{Digest: set.Proposal.Digest})
	return err
}

// due does what is due now.
func (s *source) due(ctx context.Context) error {
	for {
		ran, err := s.runner.RunDue(ctx, runner.Due{})
		if err != nil {
			return err
		}
		if ran.Failed > 0 {
			return fmt.Errorf("%d records could not be worked on", ran.Failed)
		}
		if !ran.More {
			return nil
		}
	}
}

// live lets devices and the cron job act for a time, or until something is so.
func (s *source) live(ctx context.Context, d time.Duration, until func(runner.PlanView) bool) error {
	for end := s.now.Add(d); s.now.Before(end); {
		s.world.Step()
		ran, err := s.runner.RunDue(ctx, runner.Due{})
		if err != nil {
			return err
		}
		s.world.Step()
		view, err := s.tenant().Plan(ctx, Tess, s.plan)
		if err != nil || until != nil && until(view) {
			return err
		}
		if ran.More {
			continue
		}
		next := end
		for _, at := range []time.Time{ran.Next, s.world.Wake()} {
			if !at.IsZero() && at.Before(next) {
				next = at
			}
		}
		s.pass(max(next.Sub(s.now), time.Second))
	}
	return nil
}

// route is what the plan does.
func (s *source) route() migration.Route {
	return migration.Route{From: s.from.id, To: s.to.id, Profile: s.profile, OldMDM: oldMDM, NewMDM: newMDM}
}
