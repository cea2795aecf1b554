package axm

import (
	"context"
	"encoding/pem"
	"net/http"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

// maxCertificate bounds a public key certificate that is sent.
const maxCertificate = 64 << 10

// certificate is how the API takes one: the name of a file, and its bytes.
type certificate struct {
	Name string `json:"name"`
	Data []byte `json:"data"` // base64 in JSON
}

type serverBody struct {
	Type       string `json:"type"`
	ID         string `json:"id,omitempty"`
	Attributes struct {
		Name        string       `json:"serverName,omitempty"`
		Certificate *certificate `json:"serverCertificate,omitempty"`
	} `json:"attributes"`
}

// CreateServer makes a service with its public key certificate, as PEM (API 2.1). Names are unique in the organization:
// [ErrConflict] says that there is one of this name. The token of the service is downloaded by a person: Apple offers no way
// here.
func (c *Client) CreateServer(ctx context.Context, name string, certificatePEM []byte) (Server, error) {
	body, err := certified(certificatePEM)
	if err != nil {
		return Server{}, err
	}
	if shown := untrusted.Clean(name, 256); shown != name || name == "" {
		return Server{}, wrongInput("%q cannot be the name of a service", shown)
	}
	body.Attributes.Name = name
	k := call{method: http.MethodPost, path: "/v1/mdmServers", body: related[serverBody]{body}, write: true}
	return one(ctx, c, k, serverType, readServer)
}

// ReplaceCertificate saves another public key certificate for a service, as PEM (API 2.1; that the certificate may be replaced
// this way was observed). Tokens that are downloaded from then on are encrypted to it. Its present token may be dead from
// then on, so this is done on a person's command, while that person is at the portal to download the next; never by a timer.
func (c *Client) ReplaceCertificate(ctx context.Context, serverID string, certificatePEM []byte) (Server, error) {
	k, err := named("/v1/mdmServers/", serverID, "")
	if err != nil {
		return Server{}, err
	}
	body, err := certified(certificatePEM)
	if err != nil {
		return Server{}, err
	}
	body.ID = serverID
	k.method, k.body, k.write = http.MethodPatch, related[serverBody]{body}, true
	s, err := one(ctx, c, k, serverType, readServer)
	if err == nil && s.ID != serverID {
		return Server{}, k.maybe(other(k))
	}
	return s, err
}

// certified begins the body of a request with a certificate. A file that holds a private key is never sent.
func certified(certificatePEM []byte) (serverBody, error) {
	if len(certificatePEM) > maxCertificate {
		return serverBody{}, wrongInput("the certificate is larger than %d bytes", maxCertificate)
	}
	block, _ := pem.Decode(certificatePEM)
	if block == nil || block.Type != "CERTIFICATE" {
		return serverBody{}, wrongInput("there is no certificate in PEM")
	}
	body := serverBody{Type: serverType}
	body.Attributes.Certificate = &certificate{"certificate.pem", pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})}
	return body, nil
}
