package dep

import (
	"context"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// kept are the clients of the services that were asked for, which share options, connections and a clock.
type kept struct {
	shared *service
	source func(enrollment.Service) abmtoken.Source

	mu      sync.Mutex
	clients map[keptKey]*Client
}

type keptKey struct {
	tenant enrollment.TenantID
	server enrollment.ServerID
}

// ServicesFor makes Services that keep a client for each service which they are asked about, so that each has one session.
// source gives a service's newest token; over a runner it is
//
//	func(s enrollment.Service) abmtoken.Source { return r.Tenant(s.Tenant).Tokens(s.Server) }
//
// Its errors are [ErrFIPS] and [ErrOptions].
func ServicesFor(source func(enrollment.Service) abmtoken.Source, o Options) (*Services, error) {
	if source == nil {
		return nil, wrongOption("there is no source of tokens")
	}
	shared, err := o.service()
	if err != nil {
		return nil, err
	}
	k := &kept{shared: shared, source: source, clients: map[keptKey]*Client{}}
	return &Services{client: k.client, clock: shared}, nil
}

func (k *kept) client(_ context.Context, s enrollment.Service) (*Client, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key := keptKey{s.Tenant, s.Server}
	c := k.clients[key]
	if c == nil {
		c = newClient(k.shared, k.source(s))
		k.clients[key] = c
	}
	return c, nil
}

// AppleTime is the time by Apple's clock, as it was told in the last answer to one of the services of [ServicesFor]; known is
// false before the first, and always of those that [NewServices] made, whose clients tell it ([Client.ClockSkew]).
func (a *Services) AppleTime() (now time.Time, known bool) {
	if a.clock == nil {
		return time.Time{}, false
	}
	ahead, known := a.clock.clock.last()
	return a.clock.now().Add(ahead), known
}
