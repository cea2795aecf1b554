package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

var (
	tess  = enrollment.Actor{ID: "tess@rmm.example", Name: "Tess", Kind: enrollment.Person}
	bob   = enrollment.Actor{ID: "bob@rmm.example", Name: "Bob", Kind: enrollment.Person}
	cem   = enrollment.Actor{ID: "cem@acme.example", Name: "Cem", Kind: enrollment.Person}
	alarm = enrollment.Actor{ID: "siem", Name: "an alarm", Kind: enrollment.Key}
)

// deadline is how long devices have that change their MDM without an erase.
const deadline = 7 * day

// story is what happens, and what it happens to.
type story struct {
	w        io.Writer
	terminal bool
	devices  int
	seed     uint64
	keep     string       // where the store file stays; empty: it goes with the program
	temp     string       // where it is until then; empty: where temporary files are
	meddle   func(*story) // before the last look; tests break a rule with it

	*stage
	*host
	witness *witness
	mail    mailbox
	ids     int
	died    bool
	began   time.Time
	every   time.Duration // how often the cron job comes round

	oldServer, newServer enrollment.ServerID
	profile              string
	plan                 enrollment.PlanID // the present one
	plans                []enrollment.PlanID
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.w, format+"\n", args...) }

// acme is the customer's part of the runner.
func (s *story) acme() *runner.Tenant { return s.host.runner.Tenant(tenant) }

// tell tells the whole story.
func (s *story) tell(ctx context.Context) error {
	dir, done, err := s.folder()
	if err != nil {
		return err
	}
	defer done()
	s.every = 15 * time.Minute // in production once a minute
	s.stage = newStage(s.seed)
	s.witness = &witness{Ports: s.world.Ports(), stage: s.stage, ever: map[string]bool{}}
	if err := s.open(ctx, filepath.Join(dir, storeFile)); err != nil {
		return err
	}
	s.stage.call(ctx, func(ctx context.Context, e enrollment.DeviceEvent) error { return s.host.hears(ctx, e) })
	err = s.acts(ctx)
	return errors.Join(err, s.host.close())
}

// folder is where the store file lies: the one to be kept, or one that goes with the program.
func (s *story) folder() (dir string, done func(), err error) {
	if s.keep == "" {
		dir, err := os.MkdirTemp(s.temp, "abmrenew-migrate-")
		return dir, func() { _ = os.RemoveAll(dir) }, err
	}
	if _, err := os.Stat(filepath.Join(s.keep, storeFile)); err == nil {
		return "", nil, fmt.Errorf("there is a store in %s already, of another Apple; name another folder", s.keep)
	}
	return s.keep, func() {}, os.MkdirAll(s.keep, 0o700)
}

const storeFile = "store.db"

func (s *story) acts(ctx context.Context) error {
	for _, act := range []func(context.Context) error{
		s.services, s.rules, s.dryRun, s.draft, s.approval, s.canary, s.crash, s.replacement, s.alarm, s.weeks, s.hands, s.second,
	} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return s.end(ctx)
}

// open starts the host's program on a store file.
func (s *story) open(ctx context.Context, path string) (err error) {
	s.host, err = openHost(ctx, plugs{
		path: path, mail: &s.mail, wipes: s.witness, mdm: s.witness, locks: s.witness,
		transport: s.apple.Transport(), now: s.calendar.Now, newID: s.newID,
	})
	return err
}

// newID counts, so that the same story has the same IDs each time.
func (s *story) newID(prefix string) string {
	s.ids++
	return fmt.Sprintf("%s_%06d", prefix, s.ids)
}

// view is the plan as Tess sees it.
func (s *story) view(ctx context.Context) (runner.PlanView, error) {
	return s.acme().Plan(ctx, tess, s.plan)
}

// moves are the devices of the present plan in some states; of none: all.
func (s *story) moves(ctx context.Context, states ...migration.MoveState) (all []runner.MoveView, err error) {
	if len(states) == 0 {
		states = []migration.MoveState{""}
	}
	for _, state := range states {
		page := runner.Page{Limit: 1000}
		for more := true; more; {
			got, err := s.acme().Moves(ctx, tess, s.plan, state, page)
			if err != nil || len(got.Damaged) > 0 {
				return nil, errors.Join(append(got.Damaged, err)...)
			}
			all, page.After, more = append(all, got.Moves...), got.Next, got.More
		}
	}
	return all, nil
}

// newest are the devices of all plans by serial number, each as the last plan has it that moved it.
func (s *story) newest(ctx context.Context) ([]migration.Move, error) {
	bySerial := map[string]migration.Move{}
	present := s.plan
	defer func() { s.plan = present }()
	for _, s.plan = range s.plans {
		moves, err := s.moves(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range moves {
			m.Wipes += bySerial[m.Device.Serial].Wipes
			bySerial[m.Device.Serial] = m.Move
		}
	}
	serials := slices.Sorted(maps.Keys(bySerial))
	all := make([]migration.Move, len(serials))
	for i, serial := range serials {
		all[i] = bySerial[serial]
	}
	return all, nil
}

// mailbox is where notices go.
type mailbox struct{ notices []enrollment.Notice }

// Notify implements [enrollment.Notifier].
func (m *mailbox) Notify(_ context.Context, n enrollment.Notice) error {
	m.notices = append(m.notices, n)
	return nil
}

// last is the newest notice about the plan.
func (m *mailbox) last() string {
	for i := len(m.notices) - 1; i >= 0; i-- {
		if n := m.notices[i]; n.Plan != "" && n.Problem != nil {
			return n.Problem.Title
		}
	}
	return nothing
}

const nothing = "nothing"
