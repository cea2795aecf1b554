package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// userAgent is what Apple knows the program by.
const userAgent = "abmctl/1.0"

// clients are those of Apple's services, one for each server and for each tenant's API account: they have sessions and tokens,
// which last as long as the program runs.
type clients struct {
	lib *runner.Runner // made after the clients, because it is given them
	dep dep.Options
	axm axm.Options

	mu       sync.Mutex
	services map[enrollment.ServerID]*dep.Client
	accounts map[enrollment.TenantID]account
}

// account is the client of an API account, and which key it was made of.
type account struct {
	secret string
	client *axm.Client
}

// clients makes the clients that the flags ask for. Nothing is asked of Apple.
func (h *host) newClients() (*clients, error) {
	roots, err := h.roots()
	if err != nil {
		return nil, err
	}
	c := &clients{
		dep:      dep.Options{BaseURL: h.DEPURL, Loopback: h.DEPURL != "", Now: h.now, UserAgent: userAgent, RootCAs: roots},
		services: map[enrollment.ServerID]*dep.Client{}, accounts: map[enrollment.TenantID]account{},
	}
	transport, err := dep.NewTransport(c.dep)
	if err != nil {
		return nil, wrong("dep-url", fmt.Sprint("https, or http to a loopback address: ", err)).Because(err)
	}
	h.clock = &appleClock{inner: transport, now: h.now}
	c.dep.Transport = h.clock

	c.axm = axm.Options{
		BaseURL: h.AXMURL, TokenURL: h.AXMToken, Loopback: h.AXMURL != "" || h.AXMToken != "", Now: h.now, UserAgent: userAgent, RootCAs: roots,
	}
	switch {
	case h.AXMURL == "" && h.AXMToken != "":
		return nil, wrong("axm-url", "given where --axm-token-url is")
	case h.AXMURL != "" && h.AXMToken == "": // a stand-in has both at one place
		c.axm.TokenURL = strings.TrimSuffix(h.AXMURL, "/") + "/auth/oauth2/v2/token"
	}
	if c.axm.Transport, err = axm.NewTransport(c.axm); err != nil {
		return nil, wrong("axm-url", fmt.Sprint("https, or http to a loopback address: ", err)).Because(err)
	}
	return c, nil
}

// verifier asks Apple whose a token is.
func (c *clients) verifier() (*dep.Verifier, error) {
	v, err := dep.NewVerifier(c.dep)
	switch {
	case errors.Is(err, dep.ErrOptions):
		return nil, wrong("dep-url", fmt.Sprint("https, or http to a loopback address: ", err)).Because(err)
	case errors.Is(err, dep.ErrFIPS):
		return nil, enrollment.NewProblem(enrollment.CodeFIPS, "what", "HMAC-SHA1").Because(err)
	}
	return v, err
}

// service is the client of a server's device assignment service, with the newest token that the library has for it.
func (c *clients) service(_ context.Context, s enrollment.Service) (*dep.Client, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if client := c.services[s.Server]; client != nil {
		return client, nil
	}
	client, err := dep.NewClient(c.lib.Tenant(s.Tenant).Tokens(s.Server), c.dep)
	if err == nil {
		c.services[s.Server] = client
	}
	return client, err
}

// organization is the client of a tenant's API account, or of the one that has replaced it.
func (c *clients) organization(ctx context.Context, tenant enrollment.TenantID) (*axm.Client, error) {
	kept, err := c.lib.Tenant(tenant).APIAccount(ctx)
	if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
		return nil, axm.ErrNoAccount
	}
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if a := c.accounts[tenant]; a.client != nil && a.secret == kept.Secret {
		return a.client, nil
	}
	key, err := c.lib.Tenant(tenant).APIKey(ctx)
	if err != nil {
		return nil, err
	}
	credentials, err := axm.NewCredentials(key.ClientID, key.KeyID, []byte(key.PrivateKey.Reveal()))
	if err != nil {
		return nil, err
	}
	client, err := axm.NewClient(credentials, c.axm)
	if err == nil {
		c.accounts[tenant] = account{key.Secret, client}
	}
	return client, err
}

// hasAccount says whether a tenant has an API account.
func (c *clients) hasAccount(ctx context.Context, tenant enrollment.TenantID) (bool, error) {
	_, err := c.lib.Tenant(tenant).APIAccount(ctx)
	if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
		return false, nil
	}
	return err == nil, err
}
