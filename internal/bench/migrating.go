package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// migrating is a customer whose devices go to another service: a plan in a store file, driven in a time that passes as fast as
// the work is done.
type migrating struct {
	devices int
	now     time.Time
	fleet   *fleet
	store   *mirror
	file    *bolt.Store
	r       *runner.Runner
	tenant  *runner.Tenant
	plan    enrollment.PlanID
}

func newMigrating(ctx context.Context, dir string, devices int, clock func() time.Duration) (*migrating, error) {
	m := &migrating{devices: devices, now: today}
	now := func() time.Time { return m.now }
	var err error
	if m.file, err = bolt.Open(filepath.Join(dir, "store.db"), bolt.Options{Now: now}); err != nil {
		return nil, err
	}
	if m.store, err = newMirror(dir, m.file, clock); err != nil {
		return nil, err
	}
	sealer, err := seal.New(m.store, seal.MemoryKeyring(), seal.Options{})
	if err != nil {
		return nil, err
	}
	f := newFleet(devices, now)
	m.fleet = f
	m.r, err = runner.New(runner.Config{
		Store: m.store, Sealer: sealer, Verifier: f, Assigner: f, Profiles: f, Devices: f, MDM: f, Workers: 1,
	})
	if err != nil {
		return nil, err
	}
	m.tenant = m.r.Tenant("acme")
	posts := 1000
	if _, err := m.r.SetPolicy(ctx, tess, enrollment.PolicyChange{PostsPerHour: &posts}); err != nil {
		return nil, err
	}
	from, to, err := m.servers(ctx)
	if err != nil {
		return nil, err
	}
	view, err := m.tenant.NewPlan(ctx, tess, runner.NewPlan{
		Route: migration.Route{From: from, To: to, Profile: newProfile, OldMDM: "mdm", NewMDM: "mdm"}, Wish: migration.Reassign,
		Reached: enrollment.Yes,
	})
	m.plan = view.ID
	return m, err
}

// servers are the two services, whose tokens Apple has accepted.
func (m *migrating) servers(ctx context.Context) (from, to enrollment.ServerID, err error) {
	ids := map[string]enrollment.ServerID{}
	for _, uuid := range []string{oldService, newService} {
		row := runner.Adoption{
			Tenant: m.tenant.ID(), Reference: uuid, Name: "MDM " + uuid[:2], ServerUUID: uuid,
			Token: abmtoken.NewSecret(fmt.Sprintf(
				`{"consumer_key":%q,"consumer_secret":"CS","access_token":"AT","access_secret":"AS","access_token_expiry":"2027-11-01T00:00:00Z"}`, uuid)),
		}
		rows := func(yield func(runner.Adoption, error) bool) { yield(row, nil) }
		if _, err := m.r.Adopt(ctx, tess, rows, func(r runner.RowResult) { ids[uuid] = r.Server }); err != nil {
			return "", "", err
		}
	}
	m.now = m.now.Add(25 * time.Hour)
	return ids[oldService], ids[newService], m.drive(ctx, func() (bool, error) {
		s, err := m.tenant.Server(ctx, ids[newService])
		return s.Health == enrollment.Active, err
	})
}

// list gives the plan its devices, from a stream.
func (m *migrating) list(ctx context.Context) error {
	list, err := m.tenant.ListDevices(ctx, tess, m.plan, m.fleet.rows())
	if err == nil && (list.Plan.Listing.Devices != m.devices || len(list.Problems) > 0) {
		err = fmt.Errorf("%d devices were listed, with %d problems", list.Plan.Listing.Devices, len(list.Problems))
	}
	return err
}

// finish has the plan do all that it has to do.
func (m *migrating) finish(ctx context.Context) error {
	if _, err := m.tenant.SubmitPlan(ctx, tess, m.plan); err != nil {
		return err
	}
	if _, err := m.tenant.StartPlan(ctx, tess, m.plan); err != nil && !errors.Is(err, &enrollment.Problem{Code: enrollment.CodeRefused}) {
		return err
	}
	err := m.drive(ctx, func() (bool, error) {
		page, err := m.file.List(ctx, storage.Query{Kind: runner.KindPlan, Tenant: string(m.tenant.ID()), Limit: 1})
		return err == nil && !slices.Contains([]string{"running", "cooling", "paused"}, page[0].State), err
	})
	if err != nil {
		return err
	}
	view, err := m.tenant.Plan(ctx, tess, m.plan)
	if err == nil && (view.State != migration.PlanCompleted || view.Counts[migration.MoveReassigned] != m.devices) {
		err = fmt.Errorf("the plan is %s, with %v", view.State, view.Counts)
	}
	return err
}

// drive does what is due, and lets time pass to what is due next, until it is enough.
func (m *migrating) drive(ctx context.Context, enough func() (bool, error)) error {
	for {
		ran, err := m.r.RunDue(ctx, runner.Due{Limit: storage.MaxPage})
		if err == nil && ran.Failed > 0 {
			err = fmt.Errorf("%d records could not be worked on", ran.Failed)
		}
		if err != nil {
			return err
		}
		if done, err := enough(); err != nil || done {
			return err
		}
		if !ran.More {
			if ran.Next.IsZero() {
				return errors.New("nothing is due any more")
			}
			m.now = m.now.Add(max(ran.Next.Sub(m.now), time.Second))
		}
	}
}

func (m *migrating) close() error { return errors.Join(m.file.Close(), m.store.raw.Close()) }

// within makes a folder for the files of one plan, which is gone afterwards.
func within(dir string, do func(dir string) error) error {
	own, err := os.MkdirTemp(dir, "plan-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(own) }()
	return do(own)
}
