package main

import (
	"context"
	"errors"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/portal"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type renewStart struct {
	ID          string  `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
	DespitePush *string `placeholder:"REASON" help:"Go on although the push certificate has expired, and why; it stands in the audit."`
}

func (c *renewStart) subject() subject { return about(c.ID) }

func (c *renewStart) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	id, err := h.server(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	done := h.waiting("Starting the renewal")
	view, err := h.tenant().StartRenewal(ctx, h.actor(), id)
	blocked, _ := errors.AsType[*enrollment.Problem](err)
	if blocked != nil && blocked.Code == enrollment.CodePushExpired {
		blocked.Next = "Renew it first: abmctl push renew start; or go on: abmctl renew start " + string(id) + " --despite-push=REASON"
		if c.DespitePush != nil {
			view, err = h.tenant().OverridePush(ctx, h.actor(), view.ID, *c.DespitePush)
		}
	}
	done()
	if err != nil {
		return h.renewalOutcome(ctx, "", view, err)
	}
	server, err := h.tenant().Server(ctx, id)
	if err != nil {
		return aboutRenewal(view), err
	}
	h.guide(portal.Renew, portal.Options{
		Server: server.Name, Organization: server.Pin.OrgName, Certificate: abmtoken.FileName(server.Name),
	})
	h.hint("\nGet the certificate with: abmctl renew certificate %s --out %s", view.ID, abmtoken.FileName(server.Name))
	h.hint("Then upload the file: abmctl renew upload %s FILE.p7m", view.ID)
	return aboutRenewal(view), nil
}

type renewCertificate struct {
	ID  string `arg:"" name:"renewal" placeholder:"RENEWAL" help:"The renewal's ID; a server's stands for its renewal under way."`
	Out string `xor:"way" required:"" placeholder:"FILE" help:"Where to write it (PEM). Only a certificate is overwritten."`
	publishFlags
}

func (c *renewCertificate) subject() subject { return about(c.ID) }

func (c *renewCertificate) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	id, err := h.renewal(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	if c.Publish || c.Create {
		return h.publishCertificate(ctx, id, c.Create)
	}
	if err := h.takeCertificate(ctx, id, c.Out); err != nil {
		return h.renewalOutcome(ctx, id, runner.RenewalView{}, err)
	}
	view, err := h.tenant().Renewal(ctx, h.actor(), id)
	if err != nil {
		return nothing{about(string(id))}, err
	}
	ans := aboutRenewal(view)
	ans.CertificateFile = c.Out
	h.hint("Upload %s at Apple's portal, save, download the token, then: abmctl renew upload %s FILE.p7m", c.Out, id)
	return ans, nil
}

type renewUpload struct {
	ID      string `arg:"" name:"renewal-or-server" placeholder:"RENEWAL-or-SERVER" help:"What the token is for: a renewal's ID, or a server's ID or name."`
	File    string `arg:"" placeholder:"FILE.p7m" help:"The file that Apple's portal gave; - is standard input."`
	Confirm bool   `help:"The organization and service that Apple names are right, whatever they are."`
}

func (c *renewUpload) subject() subject { return about(c.ID) }

func (c *renewUpload) do(ctx context.Context, h *host) (answer, error) {
	file, err := h.openInput(c.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	upload := runner.Upload{Confirm: c.Confirm, File: file}
	if isRenewal(c.ID) {
		upload.Renewal = enrollment.RenewalID(c.ID)
	} else if upload.Server, err = h.server(ctx, c.ID); err != nil {
		return nil, err
	}
	began := h.now()
	done := h.waiting("Reading the token and asking Apple whose it is")
	view, err := h.tenant().UploadToken(ctx, h.actor(), upload)
	done()
	if err == nil && view.State == renewal.Completed && view.EndedAt.Before(began) {
		h.hint("This very token is in use already; nothing was changed")
		if server, lookErr := h.tenant().Server(ctx, view.Server); lookErr == nil && server.Problem != nil {
			h.hint("%v", server.Problem)
		}
	}
	if view.ID == "" && view.Server == "" {
		view.Server = upload.Server
	}
	if view.ID == "" && view.Server != "" { // no renewal is concerned
		ans := aboutRenewal(view)
		ans.subject.ID = string(view.Server)
		if err != nil {
			return nothing{about(ans.subject.ID)}, err
		}
		return ans, nil
	}
	return h.renewalOutcome(ctx, upload.Renewal, view, err)
}
