package main

import (
	"context"
	"fmt"
	"io"
	"iter"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type devicesSync struct {
	ID string `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
}

// Help is shown with --help.
func (*devicesSync) Help() string {
	return `Asks Apple for all devices that are assigned to the server, and keeps the list for: abmctl devices list. Where the tenant
has an API account, Apple is also asked which of them can change their MDM without an erase.`
}

func (c *devicesSync) subject() subject { return about(c.ID) }

// syncAnswer is what a sync found.
type syncAnswer struct {
	subject
	syncRecord
}

func (a syncAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "%d devices are assigned to %s", a.Devices, a.Server)
	if a.API {
		fmt.Fprintf(w, ", %d of them can change their MDM without an erase", a.Capable)
	}
	fmt.Fprintln(w)
}

func (c *devicesSync) do(ctx context.Context, h *host) (answer, error) {
	view, _, err := h.openService(ctx, c.ID)
	subject := about(string(view.ID))
	if err != nil {
		return failedAnswer(subject), err
	}
	api, err := h.clients.hasAccount(ctx, h.Tenant)
	if err != nil {
		return failedAnswer(subject), err
	}
	defer h.waiting("Asking Apple for the devices")()
	list := &watched{list: h.devices.Devices(ctx, serviceOf(view))}
	kept, err := h.listed.replace(ctx, serviceOf(view), h.now().UTC(), api, list.all)
	if list.err != nil {
		return failedAnswer(subject), appleTrouble(list.err, view.Server)
	}
	if err != nil {
		return failedAnswer(subject), runner.ProblemOf(err)
	}
	return syncAnswer{subject: subject, syncRecord: kept}, nil
}

// watched is a list of devices that remembers whether it was Apple who broke it off.
type watched struct {
	list iter.Seq2[enrollment.AssignedDevice, error]
	err  error
}

func (w *watched) all(yield func(enrollment.AssignedDevice, error) bool) {
	for d, err := range w.list {
		w.err = err
		if !yield(d, err) {
			return
		}
	}
}
