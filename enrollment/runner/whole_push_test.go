package runner_test

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// inspectPushes says what is half done of push certificates: a certificate, its key, its renewal, its watch and its audit
// entry change together, and a tenant knows its own.
func (i *inspection) inspectPushes(ctx context.Context) {
	living := map[enrollment.TenantID]enrollment.PushID{}
	for _, p := range i.pushes {
		if !p.Retired() {
			if other, two := living[p.Tenant]; two {
				i.say("tenant %s has two push certificates, %s and %s", p.Tenant, other, p.ID)
			}
			living[p.Tenant] = p.ID
		}
		for _, k := range p.Keys {
			i.opens(ctx, p.owner(), "push_key", k.ID, func(text []byte) error {
				key, err := apns.ParseKey(text)
				if err == nil && key.ID() != k.ID {
					err = errors.New("it is another key")
				}
				return err
			})
		}
		i.inspectPush(ctx, p)
	}
	for _, t := range i.tenants {
		if t.Push != living[t.ID] {
			i.say("tenant %s thinks that its push certificate is %q, it is %q", t.ID, t.Push, living[t.ID])
		}
	}
}

func (i *inspection) inspectPush(ctx context.Context, p keptPush) {
	if p.Watch.Generation != p.Generation() {
		i.say("push %s has certificate %d, its watch thinks %d", p.Name, p.Generation(), p.Watch.Generation)
	}
	activated := map[string]bool{}
	for _, e := range i.entries {
		if e.Subject == string(p.ID) && (e.Act == enrollment.ActPushActivated || e.Act == enrollment.ActPushImported) {
			activated[e.Detail["fingerprint"]] = true
		}
	}
	if int64(len(activated)) != p.Generation() {
		i.say("push %s has certificate %d, but %d activations were written down", p.Name, p.Generation(), len(activated))
	}
	for _, c := range []*enrollment.PushCertificate{p.Certificate, p.Previous} {
		if c == nil {
			continue
		}
		i.opens(ctx, p.owner(), "push", c.Secret, certificateOf(c.Fingerprint, c.HostKept))
		if _, held := p.Key(c.KeyID); !held && !c.HostKept {
			i.say("the key of a certificate of %s is not on its ring", p.Name)
		}
	}
	switch {
	case p.Certificate == nil:
	case !p.Watch.Expires.Equal(p.Certificate.Expires):
		i.say("the watch of %s waits for another expiry", p.Name)
	case p.Certificate.Proven() && p.Previous != nil:
		i.say("push %s keeps a certificate that nobody needs", p.Name)
	}
}

// certificateOf demands a certificate that is the one it should be and that one can sign in with.
func certificateOf(fingerprint string, hostKept bool) func([]byte) error {
	return func(text []byte) error {
		c, err := apns.Read(text, "")
		switch {
		case err != nil:
			return err
		case c.Fingerprint() != fingerprint:
			return errors.New("it is another certificate")
		case !hostKept && !c.Matches(c.Key()):
			return errors.New("its key is missing")
		}
		return nil
	}
}

func (i *inspection) inspectPushRuns(ctx context.Context) {
	live := map[enrollment.PushID]int{}
	for _, r := range i.pushRuns {
		p, found := i.push(r.Push)
		if !found {
			i.say("renewal %s has no push certificate", r.ID)
			continue
		}
		if r.Live() {
			live[r.Push]++
			if p.Renewal != r.ID || p.Latest != r.ID {
				i.say("%s is alive, its push certificate knows %q and %q", r.ID, p.Renewal, p.Latest)
			}
			if c := r.Candidate; c != nil {
				i.opens(ctx, p.owner(), "push", c.Secret, certificateOf(c.Fingerprint, false))
			}
		} else if p.Renewal == r.ID {
			i.say("%s has ended, its push certificate does not know", r.ID)
		}
		if r.State == renewal.PushCompleted && (p.Certificate == nil || p.Certificate.Expires.Before(r.Candidate.Expires)) {
			i.say("%s is completed without its certificate", r.ID)
		}
		if r.Key != nil {
			if _, held := p.Key(r.Key.ID); !held {
				i.say("the key of %s is not on the ring", r.ID)
			}
		}
	}
	for _, p := range i.pushes {
		if live[p.ID] > 1 || p.Renewal != "" && live[p.ID] == 0 {
			i.say("push %s has %d living renewals and knows %q", p.Name, live[p.ID], p.Renewal)
		}
	}
}
