package fleet_test

import (
	"context"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

var start = time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)

// company is an organization that moves its devices from one MDM to another.
type company struct {
	*fleet.World
	clock    *appletest.Calendar
	apple    *appletest.Apple
	org      *appletest.Organization
	admin    *appletest.Admin
	from, to *appletest.Service
	old, new *fleet.MDM
	services *dep.Services
	clients  map[string]*dep.Client // by the UUID of the service
	profiles map[*appletest.Service]string
}

// rootKey is one for all tests, because none depends on which it is.
var rootKey = sync.OnceValue(func() abmtoken.KeyPair {
	keys, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: "Acme MDM", Now: start})
	must(err)
	return keys
})

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func newCompany() *company {
	clock := appletest.NewCalendar(start)
	apple := appletest.New(appletest.Options{Now: clock.Now})
	org := apple.AddOrganization("Acme Inc.")
	c := &company{
		World: fleet.New(fleet.Options{Now: clock.Now, Wait: clock.Pass}), clock: clock, apple: apple, org: org,
		admin: org.AddAdmin("it@acme.example"), clients: map[string]*dep.Client{}, profiles: map[*appletest.Service]string{},
	}
	c.old, c.new = c.AddMDM("acme", "old"), c.AddMDM("acme", "new")
	c.from, c.to = c.service("Old MDM"), c.service("New MDM")
	c.old.Serves(c.from, "srv_old")
	c.new.Serves(c.to, "srv_new")
	for s, m := range map[*appletest.Service]*fleet.MDM{c.from: c.old, c.to: c.new} {
		file, _, err := c.admin.DownloadToken(s)
		must(err)
		token, _, err := abmtoken.Open(file, clock.Now(), rootKey())
		must(err)
		client, err := dep.NewClient(abmtoken.Static(token), dep.Options{Transport: apple.Transport(), Now: clock.Now})
		must(err)
		c.clients[s.UUID()] = client
		c.define(s, m.URL())
	}
	c.services = dep.NewServices(func(_ context.Context, s enrollment.Service) (*dep.Client, error) { return c.clients[s.UUID], nil })
	return c
}

func (c *company) service(name string) *appletest.Service {
	s, err := c.admin.CreateService(name, rootKey().CertificatePEM())
	must(err)
	return s
}

func (c *company) define(s *appletest.Service, url string, change ...func(*dep.Profile)) {
	p := dep.Profile{Name: s.Name(), URL: url, Magic: "acme"}
	for _, f := range change {
		f(&p)
	}
	uuid, err := c.clients[s.UUID()].DefineProfile(context.Background(), p)
	must(err)
	c.profiles[s] = uuid
}

// assign does by hand what a plan does: it assigns devices to a service, and their profile.
func (c *company) assign(s *appletest.Service, deadline time.Time, devices ...*fleet.Device) {
	var serials []string
	for _, d := range devices {
		serials = append(serials, d.Serial())
	}
	must(c.admin.AssignWithDeadline(s, deadline, serials...))
	results, err := c.services.AssignProfile(context.Background(), enrollment.Service{UUID: s.UUID()}, c.profiles[s], serials)
	must(err)
	for _, r := range results {
		if r.Outcome != enrollment.OK {
			panic(r)
		}
	}
}

// device adds one that came by the old service.
func (c *company) device(spec fleet.Spec) *fleet.Device {
	d := c.AddDevice(c.org, spec)
	c.assign(c.from, time.Time{}, d)
	d.EnrollAt(c.old)
	return d
}

// order is a wipe of a device through the old MDM.
func (c *company) order(d *fleet.Device) enrollment.Wipe {
	return enrollment.Wipe{
		Command: enrollment.WipeCommand("acme", d.Serial()), Tenant: "acme", MDM: "old", Device: d.Enrollment(),
		Options: enrollment.SafeWipe(d.Enrollment(), false), NotAfter: c.clock.Now().Add(30 * time.Second),
	}
}

func (c *company) wipe(w enrollment.Wipe) error {
	_, err := c.Ports().Wipe(context.Background(), w, enrollment.PIN{})
	return err
}

// history is what was told of a device, as a story.
func (c *company) history(d *fleet.Device) (all []string) {
	for _, e := range c.Events() {
		if e.UDID != d.Enrollment().UDID {
			continue
		}
		line := string(e.MDM) + " " + string(e.Kind)
		if e.Wipe != nil {
			line += " " + string(e.Wipe.State)
		}
		all = append(all, line)
	}
	return all
}
