package main

import (
	"context"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type pushRenewStart struct{}

func (c *pushRenewStart) subject() subject { return thePush }

func (c *pushRenewStart) do(ctx context.Context, h *host) (answer, error) {
	return h.onPushRenewal(ctx, writes, func(ctx context.Context) (runner.PushRenewalView, error) {
		done := h.waiting("Making the key pair of the request")
		view, err := h.tenant().StartPushRenewal(ctx, h.actor())
		done()
		if err == nil {
			h.guidePush(ctx)
			h.hint("\nGet the request with: abmctl push renew csr --out request.txt --vendor-cert F --vendor-key F")
			h.hint("Then upload what the portal gives: abmctl push renew upload FILE.pem")
		}
		return view, err
	})
}

type pushRenewCSR struct {
	Out        string `required:"" placeholder:"FILE" help:"Where to write it; nothing is overwritten."`
	VendorCert string `placeholder:"FILE" help:"The MDM vendor's certificate with Apple's intermediate and root (PEM): then the file is ready for Apple's portal; otherwise it is the bare request, for a vendor to sign."`
	VendorKey  string `placeholder:"FILE" help:"The vendor's private key (PEM)."`
}

func (c *pushRenewCSR) subject() subject { return thePush }

func (c *pushRenewCSR) do(ctx context.Context, h *host) (answer, error) {
	if (c.VendorCert == "") != (c.VendorKey == "") {
		return nil, wrong("vendor-cert", "given together with --vendor-key, or neither")
	}
	vendor, err := c.vendor(h)
	if err != nil {
		return nil, err
	}
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	request, err := h.tenant().PushRequest(ctx, h.actor(), "", vendor)
	if err != nil {
		return h.pushRenewalOutcome(ctx, runner.PushRenewalView{}, err)
	}
	text := request.PEM
	if vendor != nil {
		text = request.PortalFile
	}
	if err := writeNew(c.Out, text, 0o644); err != nil {
		return h.pushRenewalOutcome(ctx, runner.PushRenewalView{}, err)
	}
	view, err := h.tenant().PushRenewal(ctx, h.actor(), "")
	if err != nil {
		return nil, err
	}
	ans := aboutPushRenewal(view)
	ans.RequestFile = c.Out
	if vendor == nil {
		h.hint("Have an MDM vendor sign %s; Apple's portal takes no bare request", c.Out)
	}
	if h.firstPush(ctx) {
		h.hint("At Apple's push certificate portal choose Create a Certificate, then: abmctl push renew upload FILE.pem")
	} else {
		h.hint("At Apple's push certificate portal choose Renew on the certificate's row, not Create, then: abmctl push renew upload FILE.pem")
	}
	return ans, nil
}

// vendor reads who signs; nil: nobody.
func (c *pushRenewCSR) vendor(h *host) (apns.VendorSigner, error) {
	if c.VendorCert == "" {
		return nil, nil
	}
	chain, err := h.readInput(c.VendorCert, apns.MaxFile)
	if err != nil {
		return nil, err
	}
	text, err := h.readInput(c.VendorKey, apns.MaxFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	key, err := apns.ParseKey(text)
	if err != nil {
		return nil, unusable("vendor-key", err)
	}
	vendor, err := apns.NewLocalVendor(chain, key, h.now())
	if err != nil {
		return nil, unusable("vendor-cert", err)
	}
	if warning := vendor.Warning(); warning != "" {
		h.hint("abmctl: %s", warning)
	}
	return vendor, nil
}

type pushRenewUpload struct {
	File string `arg:"" placeholder:"FILE.pem" help:"The file that Apple's push certificate portal gave; - is standard input."`
}

func (c *pushRenewUpload) subject() subject { return thePush }

func (c *pushRenewUpload) do(ctx context.Context, h *host) (answer, error) {
	file, err := h.openInput(c.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return h.onPushRenewal(ctx, reads, func(ctx context.Context) (runner.PushRenewalView, error) {
		defer h.waiting("Reading the certificate and asking Apple whether it accepts it")()
		view, err := h.tenant().UploadPush(ctx, h.actor(), "", file)
		if problem := enrollment.ProblemOf(err); problem != nil && problem.Code == enrollment.CodePushPassword {
			problem.Next = "A file with a password is taken by: abmctl push import --cert FILE --password-file FILE"
			err = problem
		}
		return view, err
	})
}

type pushRenewShow struct{}

func (c *pushRenewShow) subject() subject { return thePush }

func (c *pushRenewShow) do(ctx context.Context, h *host) (answer, error) {
	return h.onPushRenewal(ctx, reads, func(ctx context.Context) (runner.PushRenewalView, error) {
		return h.tenant().PushRenewal(ctx, h.actor(), "")
	})
}

type pushRenewCancel struct{}

func (c *pushRenewCancel) subject() subject { return thePush }

func (c *pushRenewCancel) do(ctx context.Context, h *host) (answer, error) {
	return h.onPushRenewal(ctx, reads, func(ctx context.Context) (runner.PushRenewalView, error) {
		return h.tenant().CancelPushRenewal(ctx, h.actor(), "")
	})
}

type pushRenewRecheck struct{}

func (c *pushRenewRecheck) subject() subject { return thePush }

func (c *pushRenewRecheck) do(ctx context.Context, h *host) (answer, error) {
	return h.onPushRenewal(ctx, reads, func(ctx context.Context) (runner.PushRenewalView, error) {
		defer h.waiting("Asking Apple")()
		return h.tenant().RecheckPush(ctx, h.actor(), "")
	})
}

// onPushRenewal opens the store and does something with the newest renewal of the tenant's push certificate.
func (h *host) onPushRenewal(
	ctx context.Context, why purpose, do func(context.Context) (runner.PushRenewalView, error),
) (answer, error) {
	if err := h.open(ctx, why); err != nil {
		return nil, err
	}
	view, err := do(ctx)
	return h.pushRenewalOutcome(ctx, view, err)
}

// pushRenewalOutcome shows the renewal as it stands, also beside an error.
func (h *host) pushRenewalOutcome(ctx context.Context, view runner.PushRenewalView, err error) (answer, error) {
	if view.ID == "" && err != nil && enrollment.ProblemOf(err).Code != enrollment.CodeNotFound {
		if now, lookErr := h.tenant().PushRenewal(ctx, h.actor(), ""); lookErr == nil {
			view = now
		}
	}
	if problem := enrollment.ProblemOf(err); view.ID == "" && problem != nil {
		if problem.Code == enrollment.CodeNotFound {
			problem.Title, problem.Next = "There is no renewal of this tenant's push certificate", "Begin one: abmctl push renew start"
		}
		return nothing{thePush}, problem
	}
	return aboutPushRenewal(view), err
}
