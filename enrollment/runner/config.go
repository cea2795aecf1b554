package runner

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// Config is what a host plugs in. There is no clock in it: the time of the store is the time of everything that a runner does,
// so that machines whose clocks differ agree. A test that lets a year pass gives its clock to the store.
type Config struct {
	Store    storage.Store     // where everything is kept; needed
	Sealer   storage.Sealer    // protects what is kept; needed
	Verifier abmtoken.Verifier // asks Apple whose token it is; needed

	Notifier enrollment.Notifier // takes notices to people; nil: there are none

	// PushProber asks Apple whether it accepts a push certificate, such as apns/apnshttp's; nil: nobody asks.
	PushProber apns.Prober
	// PushSource gives the push certificates whose private keys the host keeps itself; nil: it keeps none. A certificate that
	// is imported without a key is looked up there, checked and reminded of, and never renewed here.
	PushSource apns.Source
	// PushAccount is the tenant whose push certificate serves every tenant that has none of its own, as RMMs have one for
	// their whole account; empty: there is none. It is imported, renewed and retired like any other, in that tenant's scope.
	PushAccount enrollment.TenantID
	// Audience counts the devices that listen to a topic, over all tenants that use it; nil: nobody knows.
	Audience apns.Audience
	// Push looks at push certificates before a server token is renewed; nil: the stored ones are inspected and, if there is a
	// PushProber, Apple is asked about them.
	Push apns.Checker

	// Certificates saves certificates at Apple where a tenant has an API account, such as enrollment/axm's Organizations; nil: a
	// person does at the portal.
	Certificates enrollment.CertificatePublisher

	// The ports by which devices move. A plan that needs one that is missing is refused.
	Assigner enrollment.Assigner // assigns devices to services; nil: a person does at Apple's portal
	// Profiles gives devices their enrollment profile, such as enrollment/dep's Services. Where it is an
	// [enrollment.ProfileReader], too, no plan goes to a service that does not have the plan's profile.
	Profiles enrollment.ProfileAssigner
	// Devices shows the devices of services, such as enrollment/dep's Services. Which of them can change their MDM without an
	// erase only Apple's API says, which enrollment/axm's Beside adds: where nobody says it, a device that perhaps can is left to
	// a person instead of wiped, with reason capable_unknown.
	Devices enrollment.DeviceLister
	Wipes   enrollment.WipeDispatcher // sends wipes through the present MDM; nil: nothing is wiped
	MDM     enrollment.DeviceReader   // reads what the present MDM knows; nil: nothing is wiped
	Locks   enrollment.LockClearer    // looks after Activation Lock; nil: a person does
	// AppleTime tells the time by Apple's clock: that of this machine, corrected by what a client's ClockSkew says; false: Apple
	// has not answered yet. No wipe is released while the store's clock is more than five minutes off. Nil: nobody compares them.
	AppleTime func() (now time.Time, known bool)

	// Approvals holds the approvals of plans and proposals against signatures, for a host that means to withstand itself; nil:
	// the host's own login is believed.
	Approvals enrollment.ApprovalVerifier

	Log *slog.Logger // what went wrong where no caller hears of it; nil: nothing

	// NewID makes the ID of a server ("srv"), renewal ("rnw"), push certificate ("psh"), its renewal ("prn"), proposal ("prp"), plan ("pln") or secret; nil:
	// 128 random bits behind the prefix.
	NewID func(prefix string) string

	KeyBits    int // of new key pairs: 2048 (also if zero) or 3072
	KeyWorkers int // how many key pairs may be made at once, as each keeps a core busy; zero: 1
	Workers    int // how many records one RunDue works on at once; zero: 4

	Lease     time.Duration // how long a claimed record is left alone by other workers; zero: a minute
	SettleFor time.Duration // how long a person waits at most for an outcome; zero: 5 seconds, negative: not at all
}

// shredder is what a sealer offers so that a tenant can be erased.
type shredder interface {
	Shred(ctx context.Context, tenant string) error
}

// Runner is the way into this library for a host. See the package comment.
type Runner struct {
	rooms
	cfg     Config
	log     *slog.Logger
	keyGate chan struct{}
	newPair func(abmtoken.KeyOptions) (abmtoken.KeyPair, error) // abmtoken's; tests have a quicker one
	newKey  func() (apns.Key, error)                            // apns's; tests have a quicker one

	mostLooked int // tests look at fewer devices at once
}

// New checks the configuration and returns a Runner. It reads and writes nothing.
func New(cfg Config) (*Runner, error) {
	switch {
	case cfg.Store == nil:
		return nil, errors.New("runner: Config.Store is missing: plug in a store, such as storage/bolt")
	case cfg.Sealer == nil:
		return nil, errors.New("runner: Config.Sealer is missing: plug in a sealer, such as storage/seal")
	case cfg.Verifier == nil:
		return nil, errors.New("runner: Config.Verifier is missing: plug in one that asks Apple, such as enrollment/dep")
	case cfg.KeyBits != 0 && cfg.KeyBits != 2048 && cfg.KeyBits != 3072:
		return nil, errors.New("runner: Config.KeyBits must be 2048 or 3072")
	}
	if cfg.PushAccount != "" {
		if err := validTenant(cfg.PushAccount); err != nil {
			return nil, fmt.Errorf("runner: Config.PushAccount is no tenant's ID: %w", err)
		}
	}
	if cfg.NewID == nil {
		cfg.NewID = randomID
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	orElse(&cfg.KeyWorkers, 1)
	orElse(&cfg.Workers, 4)
	orElse(&cfg.Lease, time.Minute)
	orElse(&cfg.SettleFor, 5*time.Second)
	r := &Runner{
		rooms: newRooms(cfg.Store, cfg.Sealer, cfg.Lease, cfg.PushAccount), cfg: cfg, log: cfg.Log,
		keyGate: make(chan struct{}, cfg.KeyWorkers), newPair: abmtoken.GenerateKeyPair, newKey: apns.GenerateKey,
		mostLooked: mostLooked,
	}
	if r.cfg.Push == nil {
		r.cfg.Push = storedChecker{r}
	}
	return r, nil
}

func orElse[T int | time.Duration](field *T, usual T) {
	if *field == 0 {
		*field = usual
	}
}

func randomID(prefix string) string { return prefix + "_" + strings.ToLower(rand.Text()) }
