package main

import (
	"context"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment"
)

type advise struct {
	ID            string           `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
	PortalAccess  enrollment.Known `enum:",yes,no" default:"" placeholder:"yes|no" help:"Somebody with the right role can sign in at the organization's portal."`
	ServiceExists enrollment.Known `enum:",yes,no" default:"" placeholder:"yes|no" help:"The device management service is still listed there."`
	MDMChanges    enrollment.Known `name:"mdm-changes" enum:",yes,no" default:"" placeholder:"yes|no" help:"The devices must move to another MDM."`
	MDMManages    enrollment.Known `name:"mdm-manages" enum:",yes,no" default:"" placeholder:"yes|no" help:"The present MDM still manages and reaches the devices."`
	Capable       enrollment.Known `enum:",yes,no" default:"" placeholder:"yes|no" help:"The devices can migrate without an erase (OS 26 and later)."`
}

func (c *advise) subject() subject { return about(c.ID) }

type counsel struct {
	subject
	enrollment.Counsel
}

func (a counsel) text(w io.Writer) {
	fmt.Fprintf(w, "%s: %s\n", a.Advice, a.Why)
	if len(a.Ask) > 0 {
		fmt.Fprint(w, "This assumes answers that nobody gave yet:\n")
	}
	questions := map[enrollment.Question]string{
		enrollment.AskPortalAccess:  "--portal-access=yes|no   can somebody with the right role sign in at the portal?",
		enrollment.AskServiceExists: "--service-exists=yes|no  is the device management service still listed there?",
		enrollment.AskMDMChanges:    "--mdm-changes=yes|no     must the devices move to another MDM?",
		enrollment.AskMDMManages:    "--mdm-manages=yes|no     does the present MDM still reach the devices?",
		enrollment.AskCapable:       "--capable=yes|no         can the devices migrate without an erase?",
	}
	for _, q := range a.Ask {
		fmt.Fprintln(w, "  "+questions[q])
	}
}

func (c *advise) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	id, err := h.server(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	view, err := h.tenant().Server(ctx, id)
	if err != nil {
		return nil, err
	}
	held := enrollment.No
	if len(view.Keys) > 0 {
		held = enrollment.Yes
	}
	return counsel{aboutServer(view).subject, enrollment.Advise(enrollment.Situation{
		PortalAccess: c.PortalAccess, ServiceExists: c.ServiceExists, KeyHeld: held,
		MDMChanges: c.MDMChanges, MDMManages: c.MDMManages, Capable: c.Capable,
	})}, nil
}
