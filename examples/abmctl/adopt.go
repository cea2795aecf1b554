package main

import (
	"context"
	"fmt"
	"io"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type adopt struct {
	File string `arg:"" placeholder:"FILE.json" help:"The rows; - is standard input."`
}

// Help is shown with --help.
func (*adopt) Help() string {
	return `The file is a JSON array of objects, or objects one behind the other, of any number:

    {"reference": "crm-17", "name": "Acme", "tenant": "acme", "site": "berlin", "server_uuid": "...",
     "token": {"consumer_key": "CK_...", ...}, "token_file": "base64 of a .p7m",
     "keys": [{"key": "-----BEGIN ...", "certificate": "-----BEGIN ..."}]}

reference is your own ID of the server; the same row twice changes nothing. Everything but reference, name and one of
token, token_file and keys may be left out; a row without tenant belongs to --tenant.

The exit status is 0 if every row was taken, else that of the first refused row's problem. Refused rows stop no others.`
}

func (c *adopt) subject() subject { return subject{ID: c.File} }

// maxReported bounds the rows of the answer, refused and with warnings; each of them is told to standard error, too.
const maxReported = 1000

type adoptAnswer struct {
	subject
	runner.Adopted
	Problems []runner.RowResult `json:"problems"`
	Warnings []runner.RowResult `json:"warnings,omitempty"`
}

func (a *adoptAnswer) text(w io.Writer) {
	fmt.Fprintf(w, "%d added, %d updated, %d unchanged, %d refused\n", a.Added, a.Updated, a.Unchanged, a.Refused)
}

func (c *adopt) do(ctx context.Context, h *host) (answer, error) {
	file, err := h.openInput(c.File)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if err := h.open(ctx, writes); err != nil {
		return nil, err
	}
	ans := &adoptAnswer{subject: c.subject(), Problems: []runner.RowResult{}}
	var first *enrollment.Problem
	done := h.waiting("Adopting")
	ans.Adopted, err = h.lib.Adopt(ctx, h.actor(), runner.DecodeAdoptions(file, h.Tenant), func(row runner.RowResult) {
		if row.Warning != nil {
			if len(ans.Warnings) < maxReported {
				ans.Warnings = append(ans.Warnings, row)
			}
			h.hint("row %d (%s): %v", row.Row, row.Reference, row.Warning)
		}
		if row.Problem == nil {
			return
		}
		if first == nil {
			first = row.Problem
		}
		if len(ans.Problems) < maxReported {
			ans.Problems = append(ans.Problems, row)
		}
		fmt.Fprintf(h.err, "row %d (%s): %v\n", row.Row, row.Reference, row.Problem)
	})
	done()
	if err == nil && first != nil {
		err = first
	}
	return ans, err
}
