package nanomdm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
)

// Origin is whose message came: what it says of its device and enrollment. Topic is the push certificate's; Serial and
// Topic come with the first messages only, and Params are those of the enrollment profile's URLs.
type Origin struct {
	UDID, Serial, Topic string
	Params              map[string]string
}

// WebhookConfig is what a [Webhook] needs. MDM, Deliver, and one of Tenant and TenantOf have to be given.
type WebhookConfig struct {
	// MDM is what the NanoMDM server is called here.
	MDM enrollment.MDMID
	// Tenant is whose MDM it is.
	Tenant enrollment.TenantID
	// TenantOf finds it where one server serves many; an error refuses the event, and empty leaves it out.
	TenantOf func(ctx context.Context, o Origin) (enrollment.TenantID, error)
	// ServiceOf, if given, tells by which service the device came, where the URLs of its enrollment profile say so; empty: not
	// known. It matters where one MDM stands behind two services.
	ServiceOf func(o Origin) enrollment.ServerID
	// Key is what NanoMDM signs with (-webhook-hmac-key).
	Key abmtoken.Secret
	// AllowUnsigned takes events without a signature from this machine itself, where there is no Key. What comes through a
	// proxy on it is refused.
	AllowUnsigned bool
	// Deliver takes an event, for instance with the runner, and returns once it is kept. NanoMDM sends each event once: what
	// an error refuses does not come again.
	Deliver func(ctx context.Context, e enrollment.DeviceEvent) error
	// Sightings keep what devices told; nil: nothing is kept, and events of devices that name only a UDID have no serial
	// number.
	Sightings Sightings
	// Server, if given, learns which commands were answered; see [Server.Memory].
	Server *Server
	// MaxBody bounds a request, in bytes; zero: 1 MiB. What is larger is some other command's long answer.
	MaxBody int64
	// MaxAge is how old, or how far ahead, an event's time may be; zero: five minutes. It bounds how long a stolen event can
	// be played again.
	MaxAge time.Duration
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Report, if given, is told why an event was refused or left out. It holds no secret.
	Report func(ctx context.Context, err error)
}

// Webhook is an http.Handler for NanoMDM's webhook. It answers 200 once an event is kept, and else says what is wrong.
type Webhook struct {
	c     WebhookConfig
	again replays
}

// Why an event is refused, beside [ErrEvent] and [ErrPlist].
var (
	// ErrSignature: it is not signed with our key. Give NanoMDM the same -webhook-hmac-key.
	ErrSignature = errors.New("nanomdm: the event's signature is missing or wrong")
	// ErrTooLarge: it is larger than MaxBody.
	ErrTooLarge = errors.New("nanomdm: the event is too large")
	// ErrStale: its time is too far from ours: it is played again, or a clock is wrong.
	ErrStale = errors.New("nanomdm: the event's time is too far from now")
)

// keepWithin is how long an event may take to be kept.
const keepWithin = time.Minute

// NewWebhook makes a handler. Its error is [ErrOptions].
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	switch {
	case c.MDM == "" || c.Deliver == nil:
		return nil, wrongOption("a webhook needs MDM and Deliver")
	case (c.Tenant == "") == (c.TenantOf == nil):
		return nil, wrongOption("a webhook needs one of Tenant and TenantOf")
	case c.Key.IsZero() && !c.AllowUnsigned:
		return nil, wrongOption("a webhook needs Key, or anybody could send it events")
	case !c.Key.IsZero() && c.AllowUnsigned:
		return nil, wrongOption("Key and AllowUnsigned exclude each other")
	case c.MaxBody < 0 || c.MaxAge < 0:
		return nil, wrongOption("MaxBody or MaxAge is negative")
	}
	if c.MaxBody == 0 {
		c.MaxBody = 1 << 20
	}
	if c.MaxAge == 0 {
		c.MaxAge = 5 * time.Minute
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Webhook{c: c}, nil
}

// ServeHTTP takes one event.
func (h *Webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "NanoMDM's webhook comes with POST", http.StatusMethodNotAllowed)
		return
	}
	err := h.serve(r)
	if err == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	if h.c.Report != nil {
		h.c.Report(r.Context(), err)
	}
	status, text := http.StatusServiceUnavailable, "the event could not be kept"
	for _, refusal := range [...]struct {
		is     error
		status int
	}{
		{ErrSignature, http.StatusUnauthorized}, {ErrTooLarge, http.StatusRequestEntityTooLarge}, {ErrStale, http.StatusBadRequest},
		{ErrEvent, http.StatusBadRequest}, {ErrPlist, http.StatusBadRequest},
	} {
		if errors.Is(err, refusal.is) {
			status, text = refusal.status, err.Error()
			break
		}
	}
	http.Error(w, text, status)
}

func (h *Webhook) serve(r *http.Request) error {
	body, err := io.ReadAll(io.LimitReader(r.Body, h.c.MaxBody+1))
	switch {
	case err != nil:
		return badEvent("its body breaks off")
	case int64(len(body)) > h.c.MaxBody:
		return fmt.Errorf("%w: more than %d bytes", ErrTooLarge, h.c.MaxBody)
	}
	if err := h.authentic(r, body); err != nil {
		return err
	}
	e, t, m, err := readEvent(body)
	if err != nil {
		return err
	}
	if t == nil {
		return nil
	}
	now := h.c.Now()
	if age := now.Sub(e.CreatedAt).Abs(); age > h.c.MaxAge {
		return fmt.Errorf("%w: it differs by %s; are both clocks right?", ErrStale, age.Round(time.Second))
	}
	mark := fingerprint(body)
	if h.again.seen(mark) {
		return nil
	}
	// It comes once, so it is kept also where the sender does not wait for it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), keepWithin)
	defer cancel()
	if err := h.take(ctx, e, t, m); err != nil {
		return err
	}
	h.again.remember(mark, e.CreatedAt.Add(h.c.MaxAge), now)
	return nil
}

// authentic checks who sent the body.
func (h *Webhook) authentic(r *http.Request, body []byte) error {
	if !h.c.Key.IsZero() {
		return verify(r.Header.Values(signatureHeader), body, h.c.Key)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	addr, parsed := netip.ParseAddr(host)
	if err != nil || parsed != nil || !addr.Unmap().IsLoopback() {
		return fmt.Errorf("%w: unsigned events are taken from this machine only", ErrSignature)
	}
	for _, through := range []string{"Forwarded", "X-Forwarded-For", "Via"} {
		if r.Header.Get(through) != "" {
			return fmt.Errorf("%w: it came through a proxy", ErrSignature)
		}
	}
	if r.Header.Get(signatureHeader) != "" {
		return fmt.Errorf("%w: it is signed, but no key was given to check it with", ErrSignature)
	}
	return nil
}
