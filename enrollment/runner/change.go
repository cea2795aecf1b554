package runner

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
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
	touched        map[enrollment.ServerID]*tracked[serverRecord]
	running        map[enrollment.RenewalID]*tracked[renewal.Renewal]
	write          storage.Write
}

// tracked is an item that a change has read.
type tracked[T any] struct {
	storage.Item[T]
	found bool
	moved bool
	// leased: a worker has the record in hand, so that it is due no earlier than this; zero: it is due when its value says.
	leased time.Time
}

// leaseOf returns the end of the lease that a record is under, of which wake is due when its value says. A lease that is
// longer than any was made by a clock that has gone back since; it is none.
func (c *change) leaseOf(rec storage.Record, wake time.Time) time.Time {
	if wake.IsZero() || !rec.Wake.After(wake) || rec.Wake.After(c.now.Add(c.lease)) {
		return time.Time{}
	}
	return rec.Wake
}

// keep writes the record for a worker whose lease ends at own: it is left alone until then, or given back if that is zero.
// What another worker has claimed since is the other's.
func (t *tracked[T]) keep(own, until time.Time) {
	t.moved = true
	if !t.leased.After(storage.Instant(own)) {
		t.leased = until
	}
}

func (m rooms) newChange(ctx context.Context, tenant enrollment.TenantID) (*change, error) {
	now, err := m.now(ctx)
	if err != nil {
		return nil, err
	}
	c := &change{
		rooms: m, now: storage.Instant(now),
		servicesSeen:   map[string]*tracked[ownerRecord]{},
		recipientsSeen: map[string]*tracked[ownerRecord]{},
		touched:        map[enrollment.ServerID]*tracked[serverRecord]{},
		running:        map[enrollment.RenewalID]*tracked[renewal.Renewal]{},
	}
	if tenant == "" {
		return c, c.installation(ctx)
	}
	if err := validTenant(tenant); err != nil {
		return nil, err
	}
	item, found, err := find(ctx, m.tenants, string(tenant), onlyID)
	if err != nil {
		return nil, err
	}
	c.tenant = &tracked[enrollment.Tenant]{Item: item, found: found}
	c.policy, err = m.policy(ctx, item.Value)
	return c, err
}

// server reads a server of the tenant, to be held or changed by the write.
func (c *change) server(ctx context.Context, id enrollment.ServerID) (*tracked[serverRecord], error) {
	if s, seen := c.touched[id]; seen {
		return s, nil
	}
	if c.tenant == nil { // a record that somebody put under no tenant
		return nil, missing(storage.ErrNotFound, "server")
	}
	s, err := c.findServer(ctx, id)
	if err == nil && !s.found {
		err = storage.ErrNotFound
	}
	if err != nil {
		return nil, missing(err, "server")
	}
	c.touched[id] = s
	return s, nil
}

// findServer reads a server, or returns a new one, without making it part of the write.
func (c *change) findServer(ctx context.Context, id enrollment.ServerID) (*tracked[serverRecord], error) {
	rec, err := c.store.Get(ctx, c.servers.Key(c.tenant.Tenant, string(id)))
	if errors.Is(err, storage.ErrNotFound) {
		return &tracked[serverRecord]{Item: c.servers.New(c.tenant.Tenant, string(id), serverRecord{})}, nil
	}
	if err != nil {
		return nil, err
	}
	item, err := c.servers.Decode(ctx, rec)
	if err != nil {
		return nil, err
	}
	return &tracked[serverRecord]{Item: item, found: true, leased: c.leaseOf(rec, item.Value.Watch.Wake())}, nil
}

// renewal reads a renewal of the tenant, to be held or changed by the write.
func (c *change) renewal(ctx context.Context, id enrollment.RenewalID) (*tracked[renewal.Renewal], error) {
	if r, seen := c.running[id]; seen {
		return r, nil
	}
	if c.tenant == nil {
		return nil, missing(storage.ErrNotFound, "renewal")
	}
	rec, err := c.store.Get(ctx, c.renewals.Key(c.tenant.Tenant, string(id)))
	if err != nil {
		return nil, missing(err, "renewal")
	}
	item, err := c.renewals.Decode(ctx, rec)
	if err != nil {
		return nil, err
	}
	r := &tracked[renewal.Renewal]{Item: item, found: true, leased: c.leaseOf(rec, item.Value.Wake())}
	c.running[id] = r
	return r, nil
}

// open makes sure that the tenant exists and takes new things.
func (c *change) open(ctx context.Context, by enrollment.Actor) error {
	switch c.tenant.Value.State {
	case enrollment.TenantClosed:
		return enrollment.NewProblem(enrollment.CodeTenantClosed)
	case enrollment.TenantErased:
		return enrollment.NewProblem(enrollment.CodeTenantErased)
	}
	if c.tenant.found {
		return nil
	}
	id := enrollment.TenantID(c.tenant.Tenant)
	c.tenant.Value = enrollment.Tenant{ID: id, State: enrollment.TenantOpen, CreatedAt: c.now}
	c.tenant.found, c.tenant.moved = true, true
	return c.noteTenant(ctx, enrollment.AuditFact{Act: enrollment.ActTenantOpened, By: by})
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
