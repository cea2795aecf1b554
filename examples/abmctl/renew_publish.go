package main

import (
	"context"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/portal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// publishFlags have the certificate saved at Apple by the tenant's API account.
type publishFlags struct {
	Publish bool `xor:"way" required:"" help:"Save it at Apple by the tenant's API account, in place of the one that the service has. The token in use may be dead from then on: do it when you are about to download the next."`
	Create  bool `xor:"way" required:"" help:"Make the server's service at Apple with it, by the tenant's API account; for a server that stands for none yet."`
}

// publishCertificate saves the certificate of a renewal at Apple, and says what is left to do there.
func (h *host) publishCertificate(ctx context.Context, id enrollment.RenewalID, create bool) (answer, error) {
	publish := h.tenant().PublishCertificate
	if create {
		publish = h.tenant().CreateService
	}
	done := h.waiting("Saving the certificate at Apple")
	view, err := publish(ctx, h.actor(), id)
	done()
	if err == nil {
		h.guideDownload(ctx, view)
	}
	return h.renewalOutcome(ctx, id, view, accountless(err))
}

// accountless says how a tenant gets an API account, where that is what is missing.
func accountless(err error) error {
	problem := enrollment.ProblemOf(err)
	if problem != nil && problem.Code == enrollment.CodeNotFound && problem.Args["what"] == "API account" {
		return withoutAccount(problem)
	}
	return asError(problem)
}

// guideDownload shows the steps that are left at the portal: the certificate is there.
func (h *host) guideDownload(ctx context.Context, view runner.RenewalView) {
	server, err := h.tenant().Server(ctx, view.Server)
	if err != nil {
		return
	}
	guide, err := portal.Steps(portal.Renew, portal.Options{Server: server.Name, Organization: server.Pin.OrgName})
	if err == nil {
		h.hint("\n%s", guide.ShortWay().Text())
	}
	h.hint("\nThe certificate is saved at Apple. Download the token now, then: abmctl renew upload %s FILE.p7m", view.ID)
}

// createService makes the service of a new server at Apple.
func (h *host) createService(ctx context.Context, ans serverAnswer, id enrollment.RenewalID, out string) (answer, error) {
	if out != "" {
		if err := h.takeCertificate(ctx, id, out); err != nil {
			return ans, err
		}
	}
	done := h.waiting("Making the service at Apple")
	view, err := h.tenant().CreateService(ctx, h.actor(), id)
	done()
	if err != nil {
		h.hint("Try it again with: abmctl renew certificate %s --create", id)
		return ans, accountless(err)
	}
	server, err := h.tenant().Server(ctx, view.Server)
	if err != nil {
		return ans, err
	}
	ans = aboutServer(server)
	ans.CertificateFile = out
	h.guideDownload(ctx, view)
	return ans, nil
}
