package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// publishWithin bounds the call that saves a certificate at Apple.
const publishWithin = time.Minute

// PublishCertificate saves the public key certificate of a renewal at Apple by its API, where the tenant has an API account:
// then the person at the portal has only the token to download. The key pair is made where there is none yet. Only a person
// may, while being about to download: the token in use may be dead from that moment. Nothing repeats it by itself.
//
// That it is about to be sent is stored and written down first, so that neither a crash nor a lost answer hides it; see
// [renewal.Publication]. The error's code is apple_refused where Apple did nothing, and apple_unreachable where it did nothing
// or nobody knows, which Title says.
func (t *Tenant) PublishCertificate(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (RenewalView, error) {
	return t.publish(ctx, by, id, false)
}

// CreateService makes the service of a server at Apple, with the certificate of its first renewal and under the server's name.
// It is for servers that stand for no service yet; the rest is as with [Tenant.PublishCertificate].
func (t *Tenant) CreateService(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) (RenewalView, error) {
	return t.publish(ctx, by, id, true)
}

func (t *Tenant) publish(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID, creates bool) (RenewalView, error) {
	switch {
	case t.r.cfg.Certificates == nil:
		return RenewalView{}, enrollment.NewProblem(enrollment.CodeRefused, "state", "not configured",
			"next", "This installation has no Config.Certificates, which saves certificates at Apple; upload it at the portal")
	case by.Kind != enrollment.Person:
		return RenewalView{}, enrollment.NewProblem(enrollment.CodePersonNeeded)
	}
	if _, err := t.APIAccount(ctx); err != nil {
		return RenewalView{}, err
	}
	if err := t.keyed(ctx, by, id); err != nil {
		return RenewalView{}, err
	}
	send, err := t.sending(ctx, by, id, creates)
	if err != nil {
		return RenewalView{}, err
	}
	within, cancel := context.WithTimeout(ctx, publishWithin)
	defer cancel()
	var sent error
	if creates {
		sent = t.r.cfg.Certificates.CreateService(within, t.id, send.service.Name, send.pem)
	} else {
		sent = t.r.cfg.Certificates.PublishCertificate(within, send.service, send.pem)
	}
	ev := renewal.Published{Reason: portWord(sent)}
	ev.Effect = send.effect
	ev.Outcome, ev.RetryAfter = enrollment.Sent(sent)
	// What became of it is told also where the caller has gone.
	after, done := context.WithTimeout(context.WithoutCancel(ctx), tellWithin)
	defer done()
	view, err := t.act(after, by, id, ev)
	if err != nil {
		t.r.log.ErrorContext(ctx, "what became of a certificate was not stored", "renewal", id, "error", err)
		return RenewalView{}, err
	}
	return view, unpublished(ev, creates, sent)
}

// keyed makes sure that the renewal has a key pair.
func (t *Tenant) keyed(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID) error {
	view, err := t.act(ctx, by, id, renewal.CertificateRequested{By: by})
	switch {
	case err != nil:
		return err
	case view.Key == nil && view.Problem != nil:
		return view.Problem
	case view.Key == nil:
		return enrollment.NewProblem(enrollment.CodeStillWorking)
	}
	return nil
}

// ownKey opens the key pair of a renewal. What leaves is what was stored, read back and compared with its private key.
func (c *change) ownKey(ctx context.Context, s *tracked[serverRecord], r *tracked[renewal.Renewal]) (abmtoken.KeyPair, error) {
	if r.Value.Key == nil {
		return abmtoken.KeyPair{}, enrollment.NewProblem(enrollment.CodeStillWorking)
	}
	return c.openKey(ctx, s.Value.Server, r.Value.Key.ID)
}

// publication is what is about to be sent.
type publication struct {
	effect  enrollment.EffectID
	service enrollment.Service
	pem     []byte
}

// sending stores that a certificate is about to be sent, and takes a call from the hour's budget.
func (t *Tenant) sending(ctx context.Context, by enrollment.Actor, id enrollment.RenewalID, creates bool) (out publication, err error) {
	err = t.change(ctx, func(c *change) error {
		if err := c.stillOpen(); err != nil {
			return err
		}
		s, r, err := c.run(ctx, id)
		if err != nil {
			return err
		}
		if problem := unfitService(s.Value.Server, creates); problem != nil {
			return problem
		}
		if _, err = c.step(ctx, s, r, renewal.PublishRequested{By: by, Creates: creates}); err != nil {
			return err
		}
		pair, err := c.ownKey(ctx, s, r)
		if err != nil {
			return err
		}
		out = publication{
			effect: r.Value.Key.Publication.Effect, pem: pair.CertificatePEM(),
			service: enrollment.Service{Tenant: t.id, Server: s.Value.ID, UUID: s.Value.Pin.ServerUUID, Name: s.Value.Name},
		}
		if err := c.spendCall(ctx); err != nil {
			return err
		}
		return c.watch(ctx, subjectOf(s), renewal.CertificateLeft{})
	})
	return out, err
}

// unfitService says why the service of a server cannot be given a certificate, or made.
func unfitService(s enrollment.Server, creates bool) *enrollment.Problem {
	switch {
	case !creates && s.Pin.IsZero():
		return enrollment.NewProblem(enrollment.CodeRefused, "state", "no service is known for this server",
			"next", "Its first certificate is uploaded at the portal, or comes with a service that is made new")
	case creates && !s.Pin.IsZero():
		return enrollment.NewProblem(enrollment.CodeRefused, "state", "the server stands for a service already",
			"next", "Replace the certificate of that one")
	}
	return nil
}

// spendCall takes a call from the hour's budget of the tenant's API.
func (c *change) spendCall(ctx context.Context) error {
	posts, err := c.postsSeen.ensure(ctx, c, onlyID)
	if err != nil {
		return err
	}
	allowed := []enrollment.Allowance{{Most: c.policy.PostsPerHour, In: time.Hour}}
	spent, ok := posts.Value.Spend(c.now, 1, allowed)
	if !ok {
		return enrollment.NewProblem(enrollment.CodeRefused, "state", "the hour's calls of the Apple Business API are spent",
			"next", "Repeat it after "+posts.Value.Next(c.now, allowed).Format(time.RFC3339)+", or upload the certificate at the portal")
	}
	posts.Value, posts.moved = spent, true
	return nil
}

// unpublished is the problem of a certificate that Apple does not have, or perhaps has.
func unpublished(ev renewal.Published, creates bool, sent error) error {
	var problem *enrollment.Problem
	switch ev.Outcome {
	case enrollment.OK:
		return nil
	case enrollment.Fatal:
		problem = enrollment.NewProblem(enrollment.CodeAppleRefused, "reason", because(ev.Reason),
			"next", "Nothing was changed at Apple. Upload the certificate at the portal, or solve what Apple names and repeat it")
		if creates {
			problem = enrollment.NewProblem(enrollment.CodeAppleRefused, "reason", because(ev.Reason),
				"next", "No service was made. Where there is one of this name that an earlier attempt made, it has this certificate: download its token")
		}
	case enrollment.Retry:
		problem = silent(ev.Reason)
		problem.Next = "Nothing was changed at Apple. Repeat it later, or upload the certificate at the portal"
	default:
		problem = silent(ev.Reason)
		problem.Title = "It is not known whether Apple has the new certificate" + because(ev.Reason)
		problem.Next = "The token in use may be dead. Look at the service at the portal: where it has the certificate, download the token at once; else upload the certificate there"
	}
	return problem.Because(sent)
}
