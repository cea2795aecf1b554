package runner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// The kinds of records that a runner keeps, as [Runner.RunDue] and readers of the database name them. Secrets are
// records of kind [storage.KindSecret].
const (
	KindServer       = "server"
	KindRenewal      = "renewal"
	KindPush         = "push"
	KindPushRenewal  = "push_renewal"
	KindTenant       = "tenant"
	KindInstallation = "installation"
	KindService      = "service"     // which server stands for a service at Apple
	KindRecipient    = "recipient"   // which server a certificate was made for
	KindSwitch       = "kill_switch" // of the installation, or of a tenant
	KindProposal     = "proposal"    // a change that no single person makes
	KindLedger       = "wipe_ledger" // how many wipes were released, by a tenant and by all
	KindPlan         = "plan"
	KindGate         = "gate" // whether a plan's wipes may be released
	KindWave         = "wave"
	KindBatch        = "batch"
	KindMove         = "move"
	KindDevice       = "device"        // which move follows a device, by serial number
	KindEnrollmentID = "enrollment_id" // which device has an enrollment ID
	KindPosts        = "posts"         // what was asked of a tenant's Apple Business API
	KindAudit        = "audit"
	KindAuditLog     = "audit_log" // the order in which audit entries became visible
)

// serverRecord is a server with all that changes together with it.
type serverRecord struct {
	enrollment.Server
	care
}

func (s *serverRecord) about() (string, *care) { return string(s.ID), &s.care }

// pushRecord is a push certificate with all that changes together with it.
type pushRecord struct {
	enrollment.Push
	care
	Latest enrollment.RenewalID `json:"latest,omitempty"` // the renewal that was under way last, live or not
	Said   *apns.Finding        `json:"said,omitempty"`   // what Apple said last of the certificate in use
}

func (p *pushRecord) about() (string, *care) { return string(p.ID), &p.care }

// installationRecord is what the whole installation shares.
type installationRecord struct {
	Policy enrollment.PolicyChange `json:"policy"`
	Audit  enrollment.AuditHead    `json:"audit"`
}

// ownerRecord says whose a service or a certificate is.
type ownerRecord struct {
	Tenant enrollment.TenantID `json:"tenant"`
	Server enrollment.ServerID `json:"server"`
	Key    string              `json:"key,omitempty"`
}

type (
	serverItem  = storage.Item[serverRecord]
	renewalItem = storage.Item[renewal.Renewal]
	pushItem    = storage.Item[pushRecord]
	pushRunItem = storage.Item[renewal.PushRenewal]
)

// rooms are the typed views of one store.
type rooms struct {
	store         storage.Store
	lease         time.Duration       // how long a claimed record is left alone
	account       enrollment.TenantID // Config.PushAccount
	sealer        storage.Sealer
	vault         *storage.Vault
	servers       *storage.Repo[serverRecord]
	renewals      *storage.Repo[renewal.Renewal]
	pushes        *storage.Repo[pushRecord]
	pushRuns      *storage.Repo[renewal.PushRenewal]
	tenants       *storage.Repo[enrollment.Tenant]
	installations *storage.Repo[installationRecord]
	services      *storage.Repo[ownerRecord]
	recipients    *storage.Repo[ownerRecord]
	switches      *storage.Repo[migration.Switch]
	proposals     *storage.Repo[proposalRecord]
	ledgers       *storage.Repo[migration.Ledger]
	plans         *storage.Repo[planRecord]
	gates         *storage.Repo[migration.Gate]
	waves         *storage.Repo[migration.Wave]
	batches       *storage.Repo[migration.Batch]
	moves         *storage.Repo[moveRecord]
	stances       *storage.Repo[stance]
	listings      *storage.Repo[migration.Listed]
	devices       *storage.Repo[deviceRecord]
	udids         *storage.Repo[udidRecord]
	posts         *storage.Repo[migration.Budget]
	entries       *storage.Repo[auditRecord]
	auditLog      *storage.Repo[logRecord]
}

func newRooms(store storage.Store, sealer storage.Sealer, lease time.Duration, account enrollment.TenantID) rooms {
	return rooms{
		store: store, lease: lease, sealer: sealer, account: account, vault: storage.NewVault(store, sealer),
		servers: storage.NewRepo(store, sealer, storage.Spec[serverRecord]{
			Kind: KindServer, Schema: 1,
			Columns: func(s serverRecord) storage.Columns {
				return storage.Columns{Parent: string(s.Site), State: string(s.Health), Wake: s.Watch.Wake()}
			},
		}),
		renewals: storage.NewRepo(store, sealer, storage.Spec[renewal.Renewal]{
			Kind: KindRenewal, Schema: 1,
			Columns: func(r renewal.Renewal) storage.Columns {
				return storage.Columns{Parent: string(r.Server), State: string(r.State), Wake: r.Wake()}
			},
		}),
		pushes: storage.NewRepo(store, sealer, storage.Spec[pushRecord]{
			Kind: KindPush, Schema: 1,
			Columns: func(p pushRecord) storage.Columns {
				return storage.Columns{State: string(p.Health), Wake: p.Watch.Wake()}
			},
		}),
		pushRuns: storage.NewRepo(store, sealer, storage.Spec[renewal.PushRenewal]{
			Kind: KindPushRenewal, Schema: 1,
			Columns: func(r renewal.PushRenewal) storage.Columns {
				return storage.Columns{Parent: string(r.Push), State: string(r.State), Wake: r.Wake()}
			},
		}),
		// What outlives a tenant's data key, or belongs to nobody, is signed for the installation.
		tenants: storage.NewRepo(store, sealer, storage.Spec[enrollment.Tenant]{
			Kind: KindTenant, Schema: 1, Installation: true,
			Columns: func(t enrollment.Tenant) storage.Columns { return storage.Columns{State: string(t.State)} },
		}),
		installations: storage.NewRepo(store, sealer, storage.Spec[installationRecord]{
			Kind: KindInstallation, Schema: 1, Installation: true,
		}),
		services:   storage.NewRepo(store, sealer, ownerSpec(KindService)),
		recipients: storage.NewRepo(store, sealer, ownerSpec(KindRecipient)),
		switches:   storage.NewRepo(store, sealer, switchSpec),
		proposals:  storage.NewRepo(store, sealer, proposalSpec),
		ledgers:    storage.NewRepo(store, sealer, ledgerSpec),
		plans:      storage.NewRepo(store, sealer, planSpec),
		gates:      storage.NewRepo(store, sealer, gateSpec),
		waves:      storage.NewRepo(store, sealer, waveSpec),
		batches:    storage.NewRepo(store, sealer, batchSpec),
		moves:      storage.NewRepo(store, sealer, moveSpec),
		stances:    storage.NewRepo(store, sealer, stanceSpec),
		listings:   storage.NewRepo(store, sealer, listingSpec),
		devices:    storage.NewRepo(store, sealer, deviceSpec),
		udids:      storage.NewRepo(store, sealer, storage.Spec[udidRecord]{Kind: KindEnrollmentID, Schema: 1}),
		posts:      storage.NewRepo(store, sealer, storage.Spec[migration.Budget]{Kind: KindPosts, Schema: 1}),
		entries:    storage.NewRepo(store, sealer, auditSpec),
		auditLog:   storage.NewRepo(store, sealer, logSpec),
	}
}

// ownerSpec keeps owners by tenant, so that an erased tenant's are found.
func ownerSpec(kind string) storage.Spec[ownerRecord] {
	return storage.Spec[ownerRecord]{
		Kind: kind, Schema: 1, Installation: true,
		Columns: func(o ownerRecord) storage.Columns { return storage.Columns{Parent: string(o.Tenant)} },
	}
}

// onlyID is the ID of a record of which there is one.
const onlyID = "only"

// now returns the store's time, the only clock that steps know.
func (m rooms) now(ctx context.Context) (time.Time, error) {
	c, err := m.store.Claim(ctx, storage.Claim{})
	return c.Now, err
}

// find reads an item, or returns a new one and false where there is none.
func find[T any](ctx context.Context, repo *storage.Repo[T], tenant, id string) (storage.Item[T], bool, error) {
	item, err := repo.Get(ctx, tenant, id)
	if errors.Is(err, storage.ErrNotFound) {
		var none T
		return repo.New(tenant, id, none), false, nil
	}
	return item, err == nil, err
}

// policy returns the rules of one tenant, as read with the installation's record.
func (m rooms) policy(ctx context.Context, t enrollment.Tenant) (enrollment.Policy, error) {
	installation, _, err := find(ctx, m.installations, "", onlyID)
	if err != nil {
		return enrollment.Policy{}, fmt.Errorf("reading the policy: %w", err)
	}
	return enrollment.DefaultPolicy().With(installation.Value.Policy).With(t.Policy), nil
}
