package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/apns/apnshttp"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// appleFlags say where Apple is; all empty in production.
type appleFlags struct {
	DEPURL      string `name:"dep-url" placeholder:"URL" help:"Another device assignment service on this machine, for tests."`
	AXMURL      string `name:"axm-url" placeholder:"URL" help:"Another Apple Business API on this machine, for tests."`
	AXMTokenURL string `name:"axm-token-url" placeholder:"URL" help:"Another token endpoint for it."`
	APNSURL     string `name:"apns-url" placeholder:"URL" help:"Another push service on this machine, for tests: https and a loopback address."`
	CA          string `name:"ca" placeholder:"FILE" help:"Certificates (PEM) to trust for these."`
	UserAgent   string `default:"abmrenew-worker/1.0" placeholder:"TEXT" help:"Who Apple sees (${default})."`
}

// apple is everything at Apple that the runner talks to. All of it takes the time from the database.
type apple struct {
	now           func() time.Time
	verifier      *dep.Verifier
	prober        *apnshttp.Prober
	services      *dep.Services
	organizations *axm.Organizations
}

// newApple makes the clients. Tokens and API accounts are the runner's, which is there once the first call is made.
func newApple(f appleFlags, now func() time.Time, r func() *runner.Runner) (a apple, err error) {
	a.now = now
	roots, err := f.roots()
	if err != nil {
		return a, err
	}
	o := dep.Options{BaseURL: f.DEPURL, Loopback: f.DEPURL != "", RootCAs: roots, UserAgent: f.UserAgent, Now: now}
	if o.Transport, err = dep.NewTransport(o); err != nil {
		return a, err
	}
	if a.verifier, err = dep.NewVerifier(o); err != nil {
		return a, err
	}
	a.services, err = dep.ServicesFor(func(s enrollment.Service) abmtoken.Source { return r().Tenant(s.Tenant).Tokens(s.Server) }, o)
	if err != nil {
		return a, err
	}
	a.organizations, err = axm.OrganizationsFor(func(ctx context.Context, t enrollment.TenantID) (axm.Credentials, error) {
		return credentials(ctx, r().Tenant(t))
	}, axm.Options{
		BaseURL: f.AXMURL, TokenURL: f.AXMTokenURL, Loopback: f.AXMURL != "", RootCAs: roots, UserAgent: f.UserAgent, Now: now,
	})
	if err != nil {
		return a, err
	}
	a.prober, err = f.prober(roots, now)
	return a, err
}

// credentials are a tenant's API account. Without one, a person assigns devices at the portal.
func credentials(ctx context.Context, t *runner.Tenant) (axm.Credentials, error) {
	key, err := t.APIKey(ctx)
	if p := enrollment.ProblemOf(err); p != nil && p.Code == enrollment.CodeNotFound {
		return axm.Credentials{}, axm.ErrNoAccount
	}
	if err != nil {
		return axm.Credentials{}, err
	}
	return axm.NewCredentials(key.ClientID, key.KeyID, []byte(key.PrivateKey.Reveal()))
}

// time is Apple's, as the last answer to a probe or to a call about devices told.
func (a apple) time() (time.Time, bool) {
	if now, known := a.services.AppleTime(); known {
		return now, true
	}
	ahead, known := a.verifier.ClockSkew()
	return a.now().Add(ahead), known
}

func (f appleFlags) roots() (*x509.CertPool, error) {
	if f.CA == "" {
		return nil, nil
	}
	text, err := readBounded(f.CA, 1<<20)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(text) {
		err = fmt.Errorf("%s holds no certificate in PEM", f.CA)
	}
	return pool, err
}

func (f appleFlags) prober(roots *x509.CertPool, now func() time.Time) (*apnshttp.Prober, error) {
	o := apnshttp.Options{RootCAs: roots, Now: now}
	if f.APNSURL != "" {
		u, err := url.Parse(f.APNSURL)
		if err != nil || u.Scheme != "https" {
			return nil, fmt.Errorf("--apns-url has to be https and a loopback address")
		}
		o.Address, o.Loopback = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), "443")), true
	}
	client, err := apnshttp.New(o)
	if err != nil {
		return nil, err
	}
	return &apnshttp.Prober{Client: client, Ask: apnshttp.AskProbe}, nil
}
