package axm

import (
	"context"
	"sync"

	"github.com/abmrenew/abmrenew/enrollment"
)

// kept are the clients of the tenants that were asked for.
type kept struct {
	account func(context.Context, enrollment.TenantID) (Credentials, error)
	options Options

	mu      sync.Mutex
	clients map[enrollment.TenantID]*Client
}

// OrganizationsFor makes Organizations that keep a client for each tenant, so that each has one bearer token. account gives a
// tenant's API account; it is asked before each call, and another account than last time gets another client. Its error may
// be [ErrNoAccount], or an [enrollment.CallError]; any other is worth another attempt. [Options.Budget] counts for all tenants together: leave it
// nil where each has an account of its own, because a runner keeps a budget for each.
//
// Its errors match [ErrOptions].
func OrganizationsFor(account func(context.Context, enrollment.TenantID) (Credentials, error), o Options) (*Organizations, error) {
	if account == nil {
		return nil, wrongOption("there are no API accounts")
	}
	if _, err := o.service(businessPrefix); err != nil {
		return nil, err
	}
	if o.Transport == nil {
		transport, err := NewTransport(o) // one for all, so that clients share connections
		if err != nil {
			return nil, err
		}
		o.Transport = transport
	}
	k := &kept{account: account, options: o, clients: map[enrollment.TenantID]*Client{}}
	return NewOrganizations(k.client), nil
}

func (k *kept) client(ctx context.Context, tenant enrollment.TenantID) (*Client, error) {
	credentials, err := k.account(ctx, tenant)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.clients[tenant]; c != nil && c.credentials.same(credentials) {
		return c, nil
	}
	c, err := NewClient(credentials, k.options)
	if err == nil {
		k.clients[tenant] = c
	}
	return c, err
}

// same reports whether two are of one account with one key.
func (c Credentials) same(other Credentials) bool {
	return c.clientID == other.clientID && c.keyID == other.keyID && c.key.Equal(other.key)
}
