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
	return c.ask(ctx, certificate, func(ctx context.Context, conn *link) (Result, error) {
		return Result{Outcome: Accepted}, conn.Ping(ctx)
	})
}

// ask asks on the certificate's connection. A kept one may have died unseen: then it asks again on a new one.
func (c *Client) ask(ctx context.Context, certificate apns.Certificate, question func(context.Context, *link) (Result, error)) (Result, error) {
	if !certificate.Matches(certificate.Key()) {
		return Result{}, ErrNoKey
	}
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	for {
		if r, again, err := c.attempt(ctx, certificate, question); !again {
			return r, err
		}
	}
}

func (c *Client) attempt(
	ctx context.Context, certificate apns.Certificate, question func(context.Context, *link) (Result, error),
) (r Result, again bool, err error) {
	one := c.connections.enter(certificate.Fingerprint())
	defer c.connections.leave(one)
	conn, fresh, err := c.connections.get(ctx, one, certificate)
	if errors.Is(err, errForgotten) {
		return Result{}, true, nil
	}
	if err == nil {
		if r, err = question(ctx, conn); err == nil {
			return r, false, nil
		}
		conn.spoil()
		if !fresh && ctx.Err() == nil {
			return Result{}, true, nil
		}
	}
	r, err = understood(ctx, conn, err)
	return r, false, err
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
	if len(device.Token) == 0 || len(device.Token) > maxToken || device.Magic == "" || len(device.Magic) > 256 {
		return Result{}, ErrDevice
	}
	body, err := json.Marshal(map[string]string{"mdm": device.Magic})
	if err != nil {
		return Result{}, ErrDevice
	}
	// Twice is no more than once: a push asks a device to check in.
	return c.ask(ctx, certificate, func(ctx context.Context, conn *link) (Result, error) {
		request, err := c.request(ctx, certificate.Topic(), device.Token, body)
		if err != nil {
			return Result{}, err
		}
		answer, err := conn.RoundTrip(request)
		if err != nil {
			return Result{}, err
		}
		return c.read(answer)
	})
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
	if topic != "" {
		r.Header.Set("apns-topic", topic)
	}
	return r, nil
}

// maxAnswer bounds an answer, which is a reason and a number.
const maxAnswer = 4 << 10

func (c *Client) read(answer *http.Response) (Result, error) {
	defer answer.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Result{}, err
	}
	return answered(answer.StatusCode, answer.Header, body, c.options.Now()), nil
}
