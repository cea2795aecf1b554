package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// userAgent is what Apple knows the program by.
const userAgent = "abmctl/1.0"

// clients are those of Apple's services, with the tokens and API accounts that the library keeps.
type clients struct {
	lib *runner.Runner // made after the clients, because it is given them
	dep dep.Options
	axm axm.Options
}

// newClients makes the clients that the flags ask for. Nothing is asked of Apple.
func (h *host) newClients() (*clients, error) {
	roots, err := h.roots()
	if err != nil {
		return nil, err
	}
	c := &clients{
		dep: dep.Options{BaseURL: h.DEPURL, Loopback: h.DEPURL != "", Now: h.now, UserAgent: userAgent, RootCAs: roots},
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

// tokens is the source of a service's newest token.
func (c *clients) tokens(s enrollment.Service) abmtoken.Source {
	return c.lib.Tenant(s.Tenant).Tokens(s.Server)
}

// service is a client of one server's device assignment service.
func (c *clients) service(s enrollment.Service) (*dep.Client, error) {
	return dep.NewClient(c.tokens(s), c.dep)
}

// account is a tenant's API account.
func (c *clients) account(ctx context.Context, tenant enrollment.TenantID) (axm.Credentials, error) {
	key, err := c.lib.Tenant(tenant).APIKey(ctx)
	if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
		return axm.Credentials{}, axm.ErrNoAccount
	}
	if err != nil {
		return axm.Credentials{}, err
	}
	return axm.NewCredentials(key.ClientID, key.KeyID, []byte(key.PrivateKey.Reveal()))
}

// organization is a client of a tenant's API account.
func (c *clients) organization(ctx context.Context, tenant enrollment.TenantID) (*axm.Client, error) {
	account, err := c.account(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return axm.NewClient(account, c.axm)
}

// hasAccount says whether a tenant has an API account.
func (c *clients) hasAccount(ctx context.Context, tenant enrollment.TenantID) (bool, error) {
	_, err := c.lib.Tenant(tenant).APIAccount(ctx)
	if errors.Is(err, &enrollment.Problem{Code: enrollment.CodeNotFound}) {
		return false, nil
	}
	return err == nil, err
}
