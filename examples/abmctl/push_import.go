package main

import (
	"context"
	"strings"

	"github.com/abmrenew/abmrenew/apns"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type pushImport struct {
	Cert     string `required:"" placeholder:"FILE" help:"The push certificate: PEM, DER or PKCS #12; - is standard input."`
	Key      string `placeholder:"FILE" help:"Its private key (PEM); not needed where it is in the same file, or was made here."`
	Password string `name:"password-file" placeholder:"FILE" help:"The file with the password of a PKCS #12 file, on its first line."`
	Name     string `placeholder:"NAME" help:"What people call it (the tenant's name)."`
	Expired  bool   `help:"Take a first certificate although it has expired: its topic is kept when it is renewed."`
}

func (c *pushImport) subject() subject { return thePush }

func (c *pushImport) do(ctx context.Context, h *host) (answer, error) {
	in := runner.PushImport{Name: c.Name, Expired: c.Expired}
	var err error
	if in.Certificate, err = h.readInput(c.Cert, apns.MaxFile); err != nil {
		return nil, err
	}
	if c.Key != "" {
		if in.Key, err = h.readInput(c.Key, apns.MaxFile); err != nil {
			return nil, err
		}
	}
	if in.Password, err = h.password(c.Password); err != nil {
		return nil, err
	}
	if err := h.open(ctx, writes); err != nil {
		return nil, err
	}
	view, err := h.tenant().ImportPush(ctx, h.actor(), in)
	switch {
	case err == nil:
		if view.Health == enrollment.NeverChecked {
			h.hint("Ask Apple now whether it accepts it: abmctl push check")
		}
		return aboutPush(view), nil
	case view.Report == nil:
		return nil, c.advised(err)
	}
	return refusedPush{thePush, view.Report}, c.advised(err)
}

// advised names the flag that would help. What the library says is for the upload to a renewal.
func (c *pushImport) advised(err error) error {
	problem := enrollment.ProblemOf(err)
	switch {
	case problem.Code == enrollment.CodePushNoKeyFits:
		problem.Next = "Give the private key that its request was made with: --key FILE. If that is lost: abmctl push renew start"
	case problem.Code == enrollment.CodePushPassword && c.Password == "":
		problem.Next = "Write the password to a file and give it with --password-file"
	case problem.Code == enrollment.CodePushFileExpired && !c.Expired:
		problem.Next += ". To keep its topic until then, if there is no other one here yet, repeat this with --expired"
	}
	return problem
}

// maxPassword bounds a file with a password.
const maxPassword = 4 << 10

// password reads the first line of a file; no file: no password. A command line shows in a list of processes.
func (h *host) password(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	text, err := h.readInput(path, maxPassword)
	if err != nil {
		return "", err
	}
	if len(text) > maxPassword {
		return "", wrong("password-file", "a file with one line")
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}
