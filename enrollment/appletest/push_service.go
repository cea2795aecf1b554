package appletest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"

	"golang.org/x/net/http2"
)

// Dial connects to the push service within the process, whatever the address: TLS with client certificates and HTTP/2, as
// over the network. It suits a testing/synctest bubble.
func (p *Push) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := bufferedPipe()
	go p.serve(server)
	return client, nil
}

// Serve serves connections of a listener until it is closed, for programs of their own.
func (p *Push) Serve(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go p.serve(conn)
	}
}

// serve serves one connection to its end.
func (p *Push) serve(conn net.Conn) {
	a := authority()
	clients := x509.NewCertPool()
	clients.AddCert(a.root)
	secure := tls.Server(conn, &tls.Config{
		Certificates: []tls.Certificate{a.server}, NextProtos: []string{http2.NextProtoTLS}, MinVersion: tls.VersionTLS12,
		ClientAuth: tls.RequestClientCert, SessionTicketsDisabled: true, Time: p.apple.Now,
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			if reason := p.judge(raw); reason != "" && p.how() == RefuseByAlert {
				return errors.New(reason) // sent as the alert "bad certificate"
			}
			return nil
		},
	})
	if err := secure.HandshakeContext(context.Background()); err != nil {
		_ = conn.Close() // it ended
		return
	}
	var raw [][]byte
	for _, c := range secure.ConnectionState().PeerCertificates {
		raw = append(raw, c.Raw)
	}
	p.mu.Lock()
	p.sessions++
	p.mu.Unlock()
	reason := p.judge(raw)
	if reason != "" && p.how() == RefuseByGoAway {
		sayGoodbye(secure, reason)
		return
	}
	if fault, found := p.takeGoodbye(); found {
		sayGoodbye(secure, fault.Reason)
		return
	}
	server := &http.Server{ //nolint:gosec // no deadlines: the other end is a test
		Handler:  http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.answer(w, r, raw) }),
		ErrorLog: log.New(io.Discard, "", 0),
	}
	_ = server.Serve(&oneListener{conn: secure}) // ends at once; the connection is served on
}

func (p *Push) how() PushRefusal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refusal
}

// takeGoodbye returns the next fault if it is an end of the connection.
func (p *Push) takeGoodbye() (PushFault, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.faults) == 0 || p.faults[0].Status != 0 {
		return PushFault{}, false
	}
	fault := p.faults[0]
	p.faults = p.faults[1:]
	return fault, true
}

// judge says why a certificate is not taken, in Apple's word; empty: it is.
func (p *Push) judge(raw [][]byte) string {
	if len(raw) == 0 {
		return "MissingProviderToken"
	}
	leaf, err := x509.ParseCertificate(raw[0])
	if err != nil {
		return "BadCertificate"
	}
	now := p.apple.Now()
	p.mu.Lock()
	revoked := p.revoked[strings.ToUpper(leaf.SerialNumber.Text(16))]
	p.mu.Unlock()
	switch {
	case leaf.CheckSignatureFrom(authority().issuer) != nil, revoked, now.Before(leaf.NotBefore), now.After(leaf.NotAfter):
		return "BadCertificate"
	case !isForProduction(leaf):
		return "BadCertificateEnvironment"
	}
	return ""
}

func isForProduction(c *x509.Certificate) bool {
	for _, extension := range c.Extensions {
		if extension.Id.Equal(oidPushProduction) {
			return true
		}
	}
	return false
}

// sayGoodbye speaks just enough HTTP/2 to end a connection with a reason, once the client asks something.
func sayGoodbye(conn net.Conn, reason string) {
	defer conn.Close() //nolint:errcheck // it ended
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	if framer.WriteSettings() != nil {
		return
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch frame := frame.(type) {
		case *http2.HeadersFrame, *http2.PingFrame:
			_ = framer.WriteGoAway(0, http2.ErrCodeNo, []byte(`{"reason":"`+reason+`"}`))
			return
		case *http2.SettingsFrame:
			if !frame.IsAck() && framer.WriteSettingsAck() != nil {
				return
			}
		}
	}
}
