package apnshttp

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/abmrenew/abmrenew/apns"
)

// Client asks Apple's push service. Make one with [New] and keep it: it reuses connections.
type Client struct {
	options     Options
	connections *connections
}

// New checks the options and returns a Client. It connects to nothing.
func New(o Options) (*Client, error) {
	o, err := o.ready()
	if err != nil {
		return nil, err
	}
	return &Client{options: o, connections: newConnections(o)}, nil
}

// Close ends all connections, and with them what is under way. The client may be used again afterwards.
func (c *Client) Close() { c.connections.closeAll() }

// Device is where a push goes, as the device told its MDM (TokenUpdate).
type Device struct {
	Token []byte // the push token
	Magic string // PushMagic
}

// Handshake signs in with the certificate and makes sure that the connection lives. The outcome is Accepted, Certificate,
// or what Apple gave as a reason for ending the connection. Apple looks at the topic of a certificate only when something
// is pushed: see [Client.Probe].
//
// Its error matches [ErrNoKey] or [ErrUnreachable], or is the context's; it says nothing about the certificate.
func (c *Client) Handshake(ctx context.Context, certificate apns.Certificate) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	if !certificate.Matches(certificate.Key()) {
		return Result{}, ErrNoKey
	}
	for {
		conn, fresh, err := c.connections.get(ctx, certificate)
		if err != nil {
			return understood(ctx, conn, err)
		}
		if err = conn.Ping(ctx); err == nil {
			return Result{Outcome: Accepted}, nil
		}
		conn.spoil()
		if fresh || ctx.Err() != nil {
			return understood(ctx, conn, err)
		}
	}
}

// deadToken has the form of a device token and is that of no device.
var deadToken = bytes.Repeat([]byte{0}, 32)

// Probe sends a push to a device token that does not exist. Apple's complaint about that token shows that certificate and
// topic were accepted; that Apple looks at those first is what MDM servers observe, not what Apple documents. So the
// outcome is Accepted where Apple complains about the device.
//
// Its errors are those of [Client.Handshake].
func (c *Client) Probe(ctx context.Context, certificate apns.Certificate) (Result, error) {
	r, err := c.Push(ctx, certificate, Device{Token: deadToken, Magic: "probe"})
	if r.Outcome == DeviceToken || r.Outcome == DeviceGone {
		r.Outcome = Accepted
	}
	return r, err
}

// maxToken bounds a device token. Apple's have 32 bytes today and may have more.
const maxToken = 100

// Push asks a device to check in with its MDM. Accepted is not delivered: Apple keeps the newest push for a device that is
// offline. (Apple, Device Management documentation, June 2025)
//
// Its errors are those of [Client.Handshake], and [ErrDevice] where the device is not a possible one.
func (c *Client) Push(ctx context.Context, certificate apns.Certificate, device Device) (Result, error) {
	if !certificate.Matches(certificate.Key()) {
		return Result{}, ErrNoKey
	}
	if len(device.Token) == 0 || len(device.Token) > maxToken || device.Magic == "" || len(device.Magic) > 256 {
		return Result{}, ErrDevice
	}
	body, err := json.Marshal(map[string]string{"mdm": device.Magic})
	if err != nil {
		return Result{}, ErrDevice
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	for {
		conn, fresh, err := c.connections.get(ctx, certificate)
		if err != nil {
			return understood(ctx, conn, err)
		}
		request, err := c.request(ctx, certificate.Topic(), device.Token, body)
		if err != nil {
			return Result{}, err
		}
		answer, err := conn.RoundTrip(request)
		if err == nil {
			return c.read(ctx, conn, answer)
		}
		conn.spoil()
		// A kept connection may have died unseen. A push asks a device to check in, and twice is no more than once.
		if fresh || ctx.Err() != nil {
			return understood(ctx, conn, err)
		}
	}
}

func (c *Client) request(ctx context.Context, topic string, token, body []byte) (*http.Request, error) {
	to := "https://" + c.options.Address + "/3/device/" + hex.EncodeToString(token)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDevice, err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("apns-push-type", "mdm")
	r.Header.Set("apns-priority", "10")
	if topic != "" && !strings.ContainsFunc(topic, func(r rune) bool { return r <= ' ' || r > '~' }) {
		r.Header.Set("apns-topic", topic)
	}
	return r, nil
}

// maxAnswer bounds an answer, which is a reason and a number.
const maxAnswer = 4 << 10

func (c *Client) read(ctx context.Context, conn *link, answer *http.Response) (Result, error) {
	defer answer.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return understood(ctx, conn, err)
	}
	return answered(answer.StatusCode, answer.Header, body, c.options.Now()), nil
}
