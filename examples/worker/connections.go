package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// mdmConnection is a NanoMDM server that manages devices of a tenant: what a host has in a table of its own, and this program
// in a JSON file. Keys are in files beside it, so that it holds no secret itself.
type mdmConnection struct {
	Tenant     enrollment.TenantID `json:"tenant"`
	MDM        enrollment.MDMID    `json:"mdm"`
	URL        string              `json:"url"`
	KeyFile    string              `json:"key_file"`         // NanoMDM's -api
	WebhookKey string              `json:"webhook_key_file"` // NanoMDM's -webhook-hmac-key; it sends to /mdm/TENANT/MDM
	// Answered is the UUID of any command that a device of this server has answered. By it each process finds out whether the
	// server refuses a command that it had before, without which a wipe whose outcome is not known is never sent again.
	Answered string `json:"answered,omitempty"`
	NoPush   bool   `json:"no_push,omitempty"`
	Private  bool   `json:"private,omitempty"` // the server is in the host's own network
}

// maxConnections bounds the file, and maxKey a key file.
const (
	maxConnections = 16 << 20
	maxKey         = 16 << 10
)

// readConnections reads the file: an array. No file: there are none.
func readConnections(path string) (all []mdmConnection, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := readBounded(path, maxConnections)
	if err != nil {
		return nil, err
	}
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(&all); err != nil {
		return nil, fmt.Errorf("%s is not the JSON that the guide shows: %w", path, err)
	}
	return all, nil
}

func readKey(path string) (abmtoken.Secret, error) {
	text, err := readBounded(path, maxKey)
	return abmtoken.NewSecret(strings.TrimSpace(string(text))), err
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("%s is larger than %d bytes", path, most)
	}
	return text, err
}
