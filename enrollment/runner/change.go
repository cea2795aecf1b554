package runner

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/storage"
)

// change is one atomic write of one tenant in the making. What it reads it holds: the write commits only if none of it
// has changed meanwhile. It is thrown away and made anew on a conflict.
type change struct {
	rooms
	now    time.Time
	policy enrollment.Policy

	tenant         *tracked[enrollment.Tenant]      // nil in a change of the installation
	whole          *tracked[installationRecord]     // nil until it is asked for
	servicesSeen   map[string]*tracked[ownerRecord] // whose services at Apple are, by UUID
	recipientsSeen map[string]*tracked[ownerRecord] // whose certificates are, by recipient
	serversSeen    shelf[serverRecord]
	renewalsSeen   shelf[renewal.Renewal]
	pushesSeen     shelf[pushRecord]
	pushRunsSeen   shelf[renewal.PushRenewal]
	proposalsSeen  shelf[proposalRecord]
	switchesSeen   map[string]*tracked[migration.Switch] // by tenant; that of the installation by no name
	ledgersSeen    map[string]*tracked[migration.Ledger] // like the switches
	plansSeen      shelf[planRecord]
	gatesSeen      shelf[migration.Gate]
	wavesSeen      shelf[migration.Wave]
	batchesSeen    shelf[migration.Batch]
	movesSeen      shelf[moveRecord]
	devicesSeen    shelf[deviceRecord]
	udidsSeen      shelf[udidRecord]
	postsSeen      shelf[migration.Budget]
	write          storage.Write
}

// ground is what every change of a tenant, or of the installation, stands on.
type ground struct {
	now    time.Time
	policy enrollment.Policy
	tenant *tracked[enrollment.Tenant]
	whole  *tracked[installationRecord]
}

// ground reads what changes stand on.
func (m rooms) ground(ctx context.Context, tenant enrollment.TenantID, now time.Time) (g ground, err error) {
	g.now = storage.Instant(now)
	if tenant == "" {
		item, found, err := find(ctx, m.installations, "", onlyID)
		g.whole = &tracked[installationRecord]{Item: item, found: found}
		g.policy = enrollment.DefaultPolicy().With(item.Value.Policy)
		return g, err
	}
	if err := validTenant(tenant); err != nil {
		return g, err
	}
	item, found, err := find(ctx, m.tenants, string(tenant), onlyID)
	if err != nil {
		return g, err
	}
	g.tenant = &tracked[enrollment.Tenant]{Item: item, found: found}
	g.policy, err = m.policy(ctx, item.Value)
	return g, err
}

func (m rooms) newChange(ctx context.Context, tenant enrollment.TenantID) (*change, error) {
	now, err := m.now(ctx)
	if err != nil {
		return nil, err
	}
	g, err := m.ground(ctx, tenant, now)
	if err != nil {
		return nil, err
	}
	return m.changeOn(g), nil
}

// changeOn begins a change. Several may stand on the same ground: each has what it stands on for itself.
func (m rooms) changeOn(g ground) *change {
	c := &change{
		rooms: m, now: g.now, policy: g.policy,
		servicesSeen:   map[string]*tracked[ownerRecord]{},
		recipientsSeen: map[string]*tracked[ownerRecord]{},
		serversSeen:    newShelf(m.servers, "server", func(s serverRecord) time.Time { return s.Watch.Wake() }),
		renewalsSeen:   newShelf(m.renewals, "renewal", renewal.Renewal.Wake),
		pushesSeen:     newShelf(m.pushes, "push certificate", func(p pushRecord) time.Time { return p.Watch.Wake() }),
		pushRunsSeen:   newShelf(m.pushRuns, "renewal", renewal.PushRenewal.Wake),
		proposalsSeen:  newShelf(m.proposals, "proposal", proposalRecord.wake),
		switchesSeen:   map[string]*tracked[migration.Switch]{},
		ledgersSeen:    map[string]*tracked[migration.Ledger]{},
		plansSeen:      newShelf(m.plans, "plan", planRecord.wake),
		gatesSeen:      newShelf(m.gates, "plan", never[migration.Gate]),
		wavesSeen:      newShelf(m.waves, "wave", migration.Wave.Wake),
		batchesSeen:    newShelf(m.batches, "batch", migration.Batch.Wake),
		movesSeen:      newShelf(m.moves, "device in this plan", moveRecord.wake),
		devicesSeen:    newShelf(m.devices, "device", never[deviceRecord]),
		udidsSeen:      newShelf(m.udids, "device", never[udidRecord]),
		postsSeen:      newShelf(m.posts, "budget", never[migration.Budget]),
	}
	c.proposalsSeen.whole = true
	if g.tenant != nil {
		tenant := *g.tenant
		c.tenant = &tenant
	}
	if g.whole != nil {
		whole := *g.whole
		c.whole = &whole
	}
	return c
}

// owner is the tenant whose change it is; empty: the installation's.
func (c *change) owner() string {
	if c.tenant == nil {
		return ""
	}
	return c.tenant.Tenant
}

// server reads a server of the tenant, to be held or changed by the write.
func (c *change) server(ctx context.Context, id enrollment.ServerID) (*tracked[serverRecord], error) {
	return c.serversSeen.get(ctx, c, string(id))
}

// renewal reads a renewal of the tenant, to be held or changed by the write.
func (c *change) renewal(ctx context.Context, id enrollment.RenewalID) (*tracked[renewal.Renewal], error) {
	return c.renewalsSeen.get(ctx, c, string(id))
}

// run reads a renewal and its server.
func (c *change) run(ctx context.Context, id enrollment.RenewalID) (*tracked[serverRecord], *tracked[renewal.Renewal], error) {
	r, err := c.renewal(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.server(ctx, r.Value.Server)
	return s, r, err
}

// open makes sure that the tenant exists and takes new things.
func (c *change) open(ctx context.Context, by enrollment.Actor) error {
	if err := c.stillOpen(); err != nil || c.tenant.found {
		return err
	}
	id := enrollment.TenantID(c.tenant.Tenant)
	c.tenant.Value = enrollment.Tenant{ID: id, State: enrollment.TenantOpen, CreatedAt: c.now}
	c.tenant.found, c.tenant.moved = true, true
	return c.noteTenant(ctx, enrollment.AuditFact{Act: enrollment.ActTenantOpened, By: by})
}

// stillOpen refuses new things of a tenant that is out of use.
func (c *change) stillOpen() error {
	if c.tenant.Value.State == enrollment.TenantClosed {
		return enrollment.NewProblem(enrollment.CodeTenantClosed)
	}
	return c.notErased()
}

// notErased refuses what is done to a tenant of which nothing is left.
func (c *change) notErased() error {
	if c.tenant.Value.State == enrollment.TenantErased {
		return enrollment.NewProblem(enrollment.CodeTenantErased)
	}
	return nil
}

// sealSecret adds a new secret to the write.
func (c *change) sealSecret(ctx context.Context, ref storage.SecretRef, secret []byte) error {
	rec, err := c.vault.Seal(ctx, ref, secret)
	if err != nil {
		return err
	}
	c.write.Put = append(c.write.Put, rec)
	return nil
}

// dropSecret deletes a secret that nobody needs any more, also one that came with this very write.
func (c *change) dropSecret(ctx context.Context, ref storage.SecretRef) error {
	rec, err := c.store.Get(ctx, ref.Key())
	if errors.Is(err, storage.ErrNotFound) {
		c.write.Put = slices.DeleteFunc(c.write.Put, func(r storage.Record) bool { return r.RecordKey == ref.Key() })
		return nil
	}
	if err != nil {
		return err
	}
	c.write.Delete = append(c.write.Delete, rec.Ref())
	return nil
}
