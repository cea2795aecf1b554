package main

import (
	"context"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/portal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type serverAdd struct {
	Name    string `arg:"" help:"The server's name, as at Apple's portal."`
	CertOut string `placeholder:"FILE" help:"Write the public key certificate there."`
	Create  bool   `help:"Make the service at Apple by the tenant's API account, with this certificate; then only its token is to be downloaded."`
}

func (c *serverAdd) subject() subject { return subject{} }

func (c *serverAdd) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, writes); err != nil {
		return nil, err
	}
	t := h.tenant()
	if c.Create { // before there is a server that has to be created otherwise
		if _, err := t.APIAccount(ctx); err != nil {
			return nil, withoutAccount(err)
		}
	}
	server, err := t.AddServer(ctx, h.actor(), runner.NewServer{Name: c.Name, Site: h.Site})
	if err != nil {
		return nil, err
	}
	ans := aboutServer(server)
	done := h.waiting("Starting the renewal")
	run, err := t.StartRenewal(ctx, h.actor(), server.ID)
	done()
	if err != nil {
		return ans, err
	}
	ans.Renewal = run.ID
	if c.Create {
		return h.createService(ctx, ans, run.ID, c.CertOut)
	}
	file := "the certificate"
	if c.CertOut != "" {
		if err := h.takeCertificate(ctx, run.ID, c.CertOut); err != nil {
			return ans, err
		}
		file = c.CertOut
	}
	if server, err = t.Server(ctx, server.ID); err != nil {
		return ans, err
	}
	ans = aboutServer(server)
	ans.CertificateFile = c.CertOut
	h.guide(portal.Add, portal.Options{Server: c.Name, Certificate: file})
	if c.CertOut == "" {
		h.hint("\nGet the certificate with: abmctl renew certificate %s --out %s", run.ID, abmtoken.FileName(c.Name))
	}
	h.hint("\nThen upload the file: abmctl renew upload %s FILE.p7m", server.ID)
	return ans, nil
}

// takeCertificate writes the certificate of a renewal to a file.
func (h *host) takeCertificate(ctx context.Context, id enrollment.RenewalID, path string) error {
	done := h.waiting("Making the key pair")
	cert, err := h.tenant().Certificate(ctx, h.actor(), id)
	done()
	if err != nil {
		return err
	}
	return writeCertificate(path, cert.PEM)
}

// guide shows a person what to click.
func (h *host) guide(task portal.Task, o portal.Options) {
	if g, err := portal.Steps(task, o); err == nil {
		h.hint("\n%s", g.Text())
	}
}
