package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/dep"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// topic is what the devices of acme listen to.
const topic = "com.apple.mgmt.External.2f1c8f7e-55b2-4f0e-9f58-8d6a1f4c9a11"

// vendorKey is the key pair of the RMM's early years, in which all customers shared one, and its certificate was made as
// programs make them that do not mean it: serial number 1, a day valid.
var vendorKey = sync.OnceValues(func() (pair struct{ Key, Certificate []byte }, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return pair, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Acme RMM"},
		NotBefore: time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	pair.Key = pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	pair.Certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return pair, err
})

// pushKey is the key of acme's push certificate, which takes time to make.
var pushKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// site is a service at Apple with its row in the RMM's table.
type site struct {
	admin   *appletest.Admin
	service *appletest.Service
	server  enrollment.ServerID // once it is adopted
}

// linked adds a service of an organization, whose token the RMM got before abmrenew was there.
func (s *stage) linked(ctx context.Context, admin *appletest.Admin, customer, name string) (*site, error) {
	pair, err := vendorKey()
	if err != nil {
		return nil, err
	}
	out := &site{admin: admin}
	if out.service, err = admin.CreateService(name, pair.Certificate); err != nil {
		return nil, err
	}
	file, _, err := admin.DownloadToken(out.service)
	if err != nil {
		return nil, err
	}
	keys, err := abmtoken.ImportKeyPair(pair.Key, pair.Certificate)
	if err != nil {
		return nil, err
	}
	envelope, err := abmtoken.ReadEnvelope(file)
	if err != nil {
		return nil, err
	}
	token, _, err := envelope.Open(keys)
	if err != nil {
		return nil, err
	}
	row := rmm.Token{Customer: customer, Name: name, ServerUUID: out.service.UUID(), Token: []byte(token.JSON().Reveal()), PrivateKey: pair.Key, Certificate: string(pair.Certificate)}
	if s.kept != nil {
		s.kept(row)
	}
	return out, s.first.app.AddToken(ctx, row)
}

// acme is a customer with two services at Apple: the devices come from one whose MDM cluster is to be given up.
type acme struct {
	org      *appletest.Organization
	admin    *appletest.Admin
	from, to *site
	profile  string
}

// addAcme makes the customer as the RMM knows it before abmrenew is there.
func (s *stage) addAcme(ctx context.Context) (a *acme, err error) {
	a = &acme{org: s.apple.AddOrganization("Acme Inc.")}
	a.admin = a.org.AddAdmin("it@acme.example")
	if err := s.first.app.AddCustomer(ctx, "acme", "Acme Inc."); err != nil {
		return nil, err
	}
	if a.from, err = s.linked(ctx, a.admin, "acme", "Acme, first cluster"); err != nil {
		return nil, err
	}
	if a.to, err = s.linked(ctx, a.admin, "acme", "Acme, second cluster"); err != nil {
		return nil, err
	}
	account, err := a.admin.CreateAPIAccount()
	if err != nil {
		return nil, err
	}
	api := rmm.APIAccount{ClientID: account.ClientID, KeyID: account.KeyID, PrivateKey: account.PrivateKey}
	if err := s.first.app.AddAPIAccount(ctx, "acme", api); err != nil {
		return nil, err
	}
	key, err := pushKey()
	if err != nil {
		return nil, err
	}
	now := s.clock.Now()
	certificate := s.apple.Push().Issue(&key.PublicKey, topic, now.AddDate(0, -2, 0), now.AddDate(0, 10, 0))
	return a, s.first.app.AddPushCertificate(ctx, "acme", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// ready makes both clusters of acme ready for devices, once its servers are known by their IDs here.
func (s *stage) ready(ctx context.Context, a *acme, servers map[string]enrollment.ServerID) error {
	for at, mdm := range map[*site]*fleet.MDM{a.from: s.old, a.to: s.next} {
		at.server = servers[at.service.Name()]
		if at.server == "" {
			return fmt.Errorf("there is no server %q", at.service.Name())
		}
		mdm.Serves(at.service, at.server)
		client, err := dep.NewClient(s.first.runner.Tenant("acme").Tokens(at.server), dep.Options{Transport: s.apple.Transport(), Now: s.clock.Now})
		if err != nil {
			return err
		}
		uuid, err := client.DefineProfile(ctx, dep.Profile{Name: at.service.Name(), URL: mdm.URL(), Magic: "acme"})
		if err != nil {
			return err
		}
		if at == a.to {
			a.profile = uuid
		}
	}
	return nil
}

// device is one that came by the first service.
func (s *stage) device(a *acme, spec fleet.Spec) (*fleet.Device, error) {
	d := s.world.AddDevice(a.org, spec)
	if err := a.admin.Assign(a.from.service, spec.Serial); err != nil {
		return nil, err
	}
	d.EnrollAt(s.old)
	return d, nil
}

// allowWipes has two people of the RMM's vendor allow wipes.
func (p *process) allowWipes(ctx context.Context) error {
	on := true
	ann, bob := enrollment.Actor{ID: "ann", Kind: enrollment.Person}, enrollment.Actor{ID: "bob", Kind: enrollment.Person}
	set, err := p.runner.SetPolicy(ctx, ann, enrollment.PolicyChange{Wipes: &enrollment.WipeChange{On: &on}})
	if err == nil && set.Proposal != nil {
		_, err = p.runner.ApproveProposal(ctx, bob, set.Proposal.ID, runner.Approved{Digest: set.Proposal.Digest})
	}
	return err
}
