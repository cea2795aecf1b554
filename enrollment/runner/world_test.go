package runner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/bolt"
	"github.com/abmrenew/abmrenew/storage/memory"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// world is all that survives the end of a process: the store, the keyring, Apple, the clock, and what a person holds in
// their hands. One host lives in it, and dies, and comes back.
type world struct {
	t      testing.TB
	clock  *clock
	disk   disk
	store  storage.Store // the present one, without the process around it
	keys   *seal.Keyring
	maker  *keymaker
	apple  *appletest.Apple
	org    *appletest.Organization
	admin  *appletest.Admin
	push   *pushCheck
	inbox  *inbox
	log    *bytes.Buffer
	errs   []error // what people were answered
	fate   fate
	hasty  bool // new processes come up at once, while the leases of the dead one still hold
	settle time.Duration
	people context.Context // of what is being asked for now
	hangUp context.CancelFunc
	papers
	pushPapers
	answers  *pushAnswers
	pushMade int // keys of push certificates

	life *process
	*runner.Runner
}

// papers are what the person has in hand.
type papers struct {
	service  *appletest.Service
	cert     []byte
	file     []byte
	old      []byte
	files    [][]byte // all that were ever downloaded
	renewal  enrollment.RenewalID
	adoption []runner.Adoption
	services []*appletest.Service
}

// disk keeps a store from one process to the next.
type disk interface {
	open(t testing.TB, now func() time.Time) storage.Store
	shut(t testing.TB)
}

type ram struct{ store storage.Store }

func (r *ram) open(_ testing.TB, now func() time.Time) storage.Store {
	if r.store == nil {
		r.store = memory.New(now)
	}
	return r.store
}

func (*ram) shut(testing.TB) {}

type boltFile struct {
	path string
	file *bolt.Store
}

// newBoltFile keeps the file in memory where the system has room for that: what is proved here is what a runner makes of
// the ends of processes. That a file survives them, and power cuts, is proved where bolt is.
func newBoltFile(t testing.TB) *boltFile {
	dir, err := os.MkdirTemp("/dev/shm", "abmrenew-test-")
	if err != nil {
		dir = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return &boltFile{path: filepath.Join(dir, "store.db")}
}

func (b *boltFile) open(t testing.TB, now func() time.Time) storage.Store {
	var err error
	b.file, err = bolt.Open(b.path, bolt.Options{Now: now})
	require.NoError(t, err)
	return b.file
}

func (b *boltFile) shut(t testing.TB) { require.NoError(t, b.file.Close()) }

func newWorld(t testing.TB, d disk) *world {
	t.Helper()
	w := &world{
		t: t, clock: newClock(), disk: d, keys: seal.MemoryKeyring(), maker: &keymaker{},
		push: &pushCheck{}, answers: &pushAnswers{verdict: apns.Pass}, pushPapers: pushPapers{imported: map[int][]byte{}},
		inbox: &inbox{}, log: &bytes.Buffer{}, settle: time.Minute,
	}
	somePrimes() // before anybody waits for them
	w.apple = appletest.New(appletest.Options{Now: w.clock.Now})
	w.org = w.apple.AddOrganization("Acme Inc.")
	w.admin = w.org.AddAdmin("it@acme.example")
	w.push.report.NotAfter = w.clock.Now().AddDate(2, 0, 0)
	w.boot()
	return w
}

// boot begins a new life.
func (w *world) boot() {
	w.t.Helper()
	w.store = w.disk.open(w.t, w.clock.Now)
	verifier, err := dep.NewVerifier(dep.Options{Transport: w.apple.Transport(), Now: w.clock.Now})
	require.NoError(w.t, err)
	w.life = &process{fate: func(c crossing) error {
		if w.fate == nil {
			return nil
		}
		return w.fate(c)
	}}
	store := w.life.around(w.store)
	sealer, err := w.sealerOver(store)
	require.NoError(w.t, err)
	w.Runner, err = runner.New(runner.Config{
		Store: store, Sealer: sealer, Verifier: mortalVerifier{w.life, verifier},
		Push: mortalChecker{w.life, w.push}, PushProber: mortalProber{w.life, w.answers}, NewID: w.newID, Notifier: mortalNotifier{w.life, w.inbox},
		Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Workers: 1, SettleFor: w.settle,
	})
	require.NoError(w.t, err)
	life := w.life
	w.MakeKeysWith(func(o abmtoken.KeyOptions) (abmtoken.KeyPair, error) {
		return port(life, "make_key", func() (abmtoken.KeyPair, error) { return w.maker.Pair(o) })
	})
	w.MakePushKeysWith(func() (apns.Key, error) {
		return port(life, "make_push_key", func() (apns.Key, error) { w.pushMade++; return pushKey(9 + w.pushMade), nil })
	})
}

// sealerOver makes the process's sealer. What it does as it starts writes nothing, and may not fail for it.
func (w *world) sealerOver(store storage.Store) (*seal.Sealer, error) {
	awake := w.fate
	w.fate = nil
	defer func() { w.fate = awake }()
	return seal.New(store, w.keys, seal.Options{Now: w.clock.Now})
}

// reboot begins a new life. Where the leases of the old one still hold, nobody waits for their end: what is asked for is
// done by the cron job.
func (w *world) reboot() {
	w.t.Helper()
	if w.settle = -1; !w.hasty {
		w.settle = time.Minute
		w.clock.Pass(time.Minute)
	}
	w.disk.shut(w.t)
	w.boot()
}

func (w *world) acme() *runner.Tenant { return w.Tenant("acme") }

// A step is what a person does: at the portal, or with a call of the library, which they repeat until it is answered.
type step struct {
	name string
	do   func(ctx context.Context, w *world) error
}

// portal is a step at Apple's portal, where nothing of ours can fail.
func portal(name string, do func(w *world) error) step {
	return step{"portal: " + name, func(_ context.Context, w *world) error { return do(w) }}
}

// patience is how often a person repeats what was not answered.
const patience = 25

// follow has a person do the steps of a flow. Whenever the process ended, or a call failed, nothing may be half done.
func (w *world) follow(steps []step) error {
	for _, s := range steps {
		if err := w.take(s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

func (w *world) take(s step) error {
	var last error
	for range patience {
		w.people, w.hangUp = context.WithCancel(w.t.Context())
		err, lived := w.life.run(func() error { return s.do(w.people, w) })
		w.hangUp()
		if lived && err != nil {
			w.errs = append(w.errs, err)
		}
		if !lived {
			w.reboot()
		}
		if lived && err == nil {
			return nil
		}
		if broken := whole(w); broken != nil {
			return errors.Join(broken, err)
		}
		last = err
		// The host's cron goes on meanwhile.
		w.clock.Pass(20 * time.Second)
		w.cron()
	}
	return fmt.Errorf("not answered in %d tries: %w", patience, last)
}

// cron is one run of the host's cron job.
func (w *world) cron() {
	if _, lived := w.life.run(func() error { _, err := w.RunDue(w.t.Context(), runner.Due{}); return err }); !lived {
		w.reboot()
	}
}

// rest lets the cron job run until nothing is left to do for now, leases of dead processes included.
func (w *world) rest() error {
	for range 100 {
		var ran runner.Ran
		err, lived := w.life.run(func() (err error) { ran, err = w.RunDue(w.t.Context(), runner.Due{}); return err })
		if !lived {
			w.reboot()
			continue
		}
		soon := !ran.Next.IsZero() && ran.Next.Before(w.clock.Now().Add(30*time.Minute))
		if err == nil && ran.Failed == 0 && !ran.More && !soon {
			return nil
		}
		w.clock.Pass(time.Minute)
	}
	return errors.New("the cron job never comes to rest")
}
