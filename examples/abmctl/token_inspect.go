package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
)

type tokenInspect struct {
	File   string   `arg:"" placeholder:"FILE.p7m" help:"The file that Apple's portal gave; - is standard input."`
	Key    []string `placeholder:"KEY.pem" sep:"none" help:"A private key that may open it, with or without its certificate in the same file; repeatable."`
	Reveal bool     `help:"Show the secrets, too."`
}

func (c *tokenInspect) subject() subject { return subject{ID: c.File} }

type recipient struct {
	Issuer string `json:"issuer"`
	Serial string `json:"serial"`
	KeyID  string `json:"key_id,omitempty"` // where the file names a key instead of a certificate
}

type inspected struct {
	subject
	ConsumerKey  string    `json:"consumer_key,omitempty"`
	Expiry       time.Time `json:"access_token_expiry,omitzero"`
	DaysLeft     *int      `json:"days_left,omitempty"`
	Health       string    `json:"health,omitempty"`
	Cipher       string    `json:"cipher"`
	KeyTransport string    `json:"key_transport"`
	Recipient    recipient `json:"recipient"`
	KeyFile      string    `json:"key_file,omitempty"`

	ConsumerSecret string `json:"consumer_secret,omitempty"`
	AccessToken    string `json:"access_token,omitempty"`
	AccessSecret   string `json:"access_secret,omitempty"`
}

func (a *inspected) text(w io.Writer) {
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%-16s %s\n", name, value)
		}
	}
	row("file", a.ID)
	row("consumer key", a.ConsumerKey)
	if a.DaysLeft != nil {
		row("expires", fmt.Sprintf("%s (%d days left, %s)", a.Expiry.Format(time.RFC3339), *a.DaysLeft, a.Health))
	}
	row("opened with", a.KeyFile)
	row("made for", strings.TrimSpace(a.Recipient.Issuer+" serial "+a.Recipient.Serial+" "+a.Recipient.KeyID))
	row("encryption", a.Cipher+", key by "+a.KeyTransport)
	row("consumer secret", a.ConsumerSecret)
	row("access token", a.AccessToken)
	row("access secret", a.AccessSecret)
}

func (c *tokenInspect) do(_ context.Context, h *host) (answer, error) {
	var keys []abmtoken.KeyPair
	files := map[string]string{}
	for _, path := range c.Key {
		text, err := h.readInput(path, 1<<20)
		if err != nil {
			return nil, err
		}
		pair, err := abmtoken.ImportKeyPair(text, nil)
		clear(text)
		if err != nil {
			return nil, wrong("key", "an RSA private key in PEM without a passphrase; "+path+" is none").Because(err)
		}
		keys = append(keys, pair)
		files[pair.ID()] = path
	}
	text, err := h.readInput(c.File, abmtoken.MaxFile)
	if err != nil {
		return nil, err
	}
	envelope, err := abmtoken.ReadEnvelope(text)
	if err != nil {
		return nil, runner.ProblemOf(err)
	}
	out := &inspected{subject: c.subject(), Cipher: envelope.Cipher()}
	if all := envelope.Recipients(); len(all) > 0 {
		out.Recipient = recipient{Issuer: all[0].Issuer, Serial: all[0].Serial, KeyID: all[0].KeyID}
		out.KeyTransport = all[0].KeyTransport
	}
	token, pair, err := envelope.Open(keys...)
	if err != nil {
		return out, unopened(err, len(keys))
	}
	out.KeyFile = files[pair.ID()]
	return out, out.show(token, h.now(), c.Reveal)
}

// show fills in what the token says. An expired token is shown and is a problem all the same.
func (a *inspected) show(t abmtoken.Token, now time.Time, reveal bool) error {
	left := t.DaysLeft(now)
	a.ConsumerKey, a.Expiry, a.DaysLeft = t.ConsumerKey(), t.Expires(), &left
	a.Health = string(t.Health(now, enrollment.DefaultPolicy().ExpiringWithin))
	if reveal {
		a.ConsumerSecret, a.AccessToken, a.AccessSecret =
			t.ConsumerSecret().Reveal(), t.AccessToken().Reveal(), t.AccessSecret().Reveal()
	}
	if t.Expired(now) {
		return enrollment.NewProblem(enrollment.CodeTokenExpired, "expired", t.Expires().Format(time.RFC3339))
	}
	return nil
}

// unopened says why a file does not open, in the words of somebody who has files and no servers.
func unopened(err error, keys int) error {
	problem := runner.ProblemOf(err)
	switch {
	case !errors.Is(err, abmtoken.ErrUnknownRecipient):
	case keys == 0:
		problem.Title, problem.Next = "The file is encrypted and no key was given", "Add --key KEY.pem"
	default:
		problem.Title = "None of the given keys opens the file"
		problem.Next = "Find the key of the certificate that it was made for, or upload your certificate at the portal and download the token again"
	}
	return problem
}

func serialOf(der []byte) string {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%X", cert.SerialNumber)
}
