package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type devicesList struct {
	ID  string `arg:"" name:"server" placeholder:"SERVER" help:"The server's ID, or its name if no other has it."`
	CSV bool   `name:"csv" help:"As CSV, which abmctl migrate plan --devices takes."`
}

// Help is shown with --help.
func (*devicesList) Help() string {
	return `Shows the devices as the last abmctl devices sync found them, with their enrollment IDs (UDID) where the old MDM has told
them to: abmctl run --listen.`
}

func (c *devicesList) subject() subject { return about(c.ID) }

// deviceRow is one device of a list.
type deviceRow struct {
	ID string `json:"id"` // its serial number
	enrollment.AssignedDevice
	LastSeen time.Time `json:"last_seen,omitzero"` // by the old MDM
}

// devicesAnswer is a list of devices. An answer of --json is the rows alone.
type devicesAnswer []deviceRow

func (a devicesAnswer) text(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERIAL\tFAMILY\tMODEL\tPROFILE\tMIGRATES\tUDID\tLAST SEEN")
	for _, d := range a {
		profile, capable, seen := string(d.ProfileStatus), string(d.Capable), "-"
		if !d.LastSeen.IsZero() {
			seen = day(d.LastSeen)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", d.Serial, orDash(string(d.Family)), orDash(d.Model), orDash(profile),
			orDash(capable), orDash(d.UDID), seen)
	}
	_ = table.Flush() // as every other write to standard output
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// csvAnswer is the same list for a spreadsheet.
type csvAnswer struct{ devicesAnswer }

func (a csvAnswer) text(w io.Writer) {
	list := enrollment.NewDeviceList(w, "model", "profile", "profile_status", "migration_capable")
	for _, d := range a.devicesAnswer {
		err := list.Write(enrollment.ListedDevice{Device: d.Device, Other: map[string]string{
			"model": d.Model, "profile": d.Profile, "profile_status": string(d.ProfileStatus), "migration_capable": string(d.Capable),
		}})
		if err != nil {
			return // the writer remembers it
		}
	}
	_ = list.Flush()
}

func (c *devicesList) do(ctx context.Context, h *host) (answer, error) {
	if err := h.open(ctx, reads); err != nil {
		return nil, err
	}
	id, err := h.server(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	last, err := h.listed.last(ctx, h.Tenant, id)
	if err != nil {
		return nil, runner.ProblemOf(err)
	}
	if last.Sync == 0 {
		problem := enrollment.NewProblem(enrollment.CodeNotFound, "what", "list of the devices of this server")
		problem.Next = "Ask Apple for it: abmctl devices sync " + string(id)
		return nothing{about(string(id))}, problem
	}
	rows := devicesAnswer{}
	for d, err := range h.listed.list(ctx, h.Tenant, id) {
		if err != nil {
			return nil, runner.ProblemOf(err)
		}
		row := deviceRow{ID: d.Serial, AssignedDevice: d.AssignedDevice}
		seen, err := h.sightings.Sighting(ctx, h.Tenant, oldMDM, d.Device)
		switch {
		case err == nil:
			row.Device, row.LastSeen = row.Device.Refreshed(seen.Device), seen.LastSeen
		case !errors.Is(err, enrollment.ErrNoDevice):
			return nil, runner.ProblemOf(err)
		}
		rows = append(rows, row)
	}
	h.hint("As Apple showed them at %s; newer: abmctl devices sync %s", last.At.Format(time.RFC3339), id)
	if c.CSV && !h.JSON {
		return csvAnswer{rows}, nil
	}
	return rows, nil
}
