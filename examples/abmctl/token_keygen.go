package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
)

type tokenKeygen struct {
	Name string `required:"" placeholder:"NAME" help:"The files are NAME.key.pem and NAME.pem; NAME stands in the certificate, too."`
	Out  string `placeholder:"DIR" default:"." help:"The folder, made if it does not exist (${default})."`
	Bits int    `enum:"2048,3072" default:"2048" help:"Of the RSA key: ${enum}."`
}

func (c *tokenKeygen) subject() subject { return subject{ID: c.Name} }

type keyFiles struct {
	subject
	KeyFile         string `json:"key_file"`
	CertificateFile string `json:"certificate_file"`
	Serial          string `json:"serial"`
	Fingerprint     string `json:"fingerprint"` // hex SHA-256 of the certificate
}

func (a keyFiles) text(w io.Writer) {
	fmt.Fprintf(w, "key          %s (keep it: only it opens the tokens)\ncertificate  %s (upload it at Apple's portal)\n",
		a.KeyFile, a.CertificateFile)
}

func (c *tokenKeygen) do(_ context.Context, h *host) (answer, error) {
	if strings.ContainsAny(c.Name, `/\:`) || strings.HasPrefix(c.Name, ".") || strings.TrimSpace(c.Name) != c.Name || c.Name == "" ||
		strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) || len(c.Name) > 64 {
		return nil, wrong("name", "1 to 64 characters that a file's name may have, without / \\ : and not beginning with a dot")
	}
	files := keyFiles{
		subject: c.subject(),
		KeyFile: filepath.Join(c.Out, c.Name+".key.pem"), CertificateFile: filepath.Join(c.Out, c.Name+".pem"),
	}
	if _, err := os.Lstat(files.CertificateFile); err == nil {
		return nil, taken(files.CertificateFile)
	}
	pair, err := abmtoken.GenerateKeyPair(abmtoken.KeyOptions{Name: c.Name, Bits: c.Bits, Now: h.now()})
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(c.Out, 0o750); err != nil {
		return nil, wrong("out", "a folder: "+err.Error()).Because(err)
	}
	// The key first: a certificate whose key is lost is worse than none.
	if err := writeNew(files.KeyFile, []byte(pair.PrivateKeyPEM().Reveal()), 0o600); err != nil {
		return nil, err
	}
	if err := writeNew(files.CertificateFile, pair.CertificatePEM(), 0o644); err != nil {
		return nil, err
	}
	files.Fingerprint, files.Serial = pair.CertificateFingerprint(), serialOf(pair.CertificateDER())
	return files, nil
}
