package axm_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/axm"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func response(r *http.Request, status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}

// questions are one of each that reads an answer.
var questions = map[string]func(context.Context, *axm.Client) error{
	"devices":  func(ctx context.Context, c *axm.Client) error { return only(all(c.Devices(ctx))) },
	"device":   func(ctx context.Context, c *axm.Client) error { return only(c.Device(ctx, "A")) },
	"assigned": func(ctx context.Context, c *axm.Client) error { return only(c.AssignedServer(ctx, "A")) },
	"servers":  ask,
	"server":   func(ctx context.Context, c *axm.Client) error { return only(c.Server(ctx, "A")) },
	"serials":  func(ctx context.Context, c *axm.Client) error { return only(all(c.ServerSerials(ctx, "A"))) },
	"activity": func(ctx context.Context, c *axm.Client) error { return only(c.Activity(ctx, "A")) },
	"assign":   change,
	"create":   func(ctx context.Context, c *axm.Client) error { return only(c.CreateServer(ctx, "N", anyCertificate)) },
	"certificate": func(ctx context.Context, c *axm.Client) error {
		return only(c.ReplaceCertificate(ctx, "A", anyCertificate))
	},
}

var anyCertificate = []byte("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")

func TestThreat07_HostileAnswers(t *testing.T) {
	for name, body := range map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "a text": `"a"`, "two": `{"data":[]}{}`, "cut off": `{"data":[`,
		"a name twice": `{"data":[],"data":[]}`, "a name twice in another case": `{"data":[],"DATA":[]}`,
		"depth":                    `{"data":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`,
		"an entry of another type": `{"data":{"type":"users","id":"A"}}`, "data of another type": `{"data":7}`,
		"an ID with a line": `{"data":{"type":"orgDevices","id":"A\nB"}}`, "attributes of another type": `{"data":{"type":"mdmServers","id":"A","attributes":[]}}`,
		"HTML": "<html></html>", "no UTF-8": "{\"data\":\"\xff",
	} {
		c := answering(t, text(200, body), axm.Options{})
		for question, do := range questions {
			err := do(t.Context(), c)
			if question == "assigned" && err == nil {
				continue // some of these say that there is no service
			}
			require.ErrorIs(t, err, axm.ErrAnswer, "%s to %s", name, question)
			assert.Less(t, len(err.Error()), 1000)
			if question == "assign" || question == "create" || question == "certificate" {
				require.ErrorIs(t, err, axm.ErrUnknown, "%s to %s", name, question)
			}
		}
	}
}

// An answer about another device than the one that was asked for proves nothing about that one.
func TestAnAnswerAboutAnotherThingIsRefused(t *testing.T) {
	for kind, question := range map[string]string{"orgDevices": "device", "mdmServers": "server", "orgDeviceActivities": "activity"} {
		c := answering(t, text(200, `{"data":{"type":"`+kind+`","id":"OTHER"}}`), axm.Options{})
		require.ErrorIs(t, questions[question](t.Context(), c), axm.ErrAnswer, question)
	}
}

// A gigabyte of zeros that arrives as a megabyte is refused for the price of the bound.
func TestThreat08_CompressedBombs(t *testing.T) {
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, err := z.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for status, question := range map[int]string{200: "devices", 201: "assign", 400: "server", 302: "activity"} {
		c := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(status)
			for range 1024 {
				if _, err := w.Write(member.Bytes()); err != nil {
					return
				}
			}
		}, axm.Options{MaxAnswer: 1 << 20})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := questions[question](t.Context(), c)
		runtime.ReadMemStats(&after)
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 2000)
		assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, uint64(12), "MiB for HTTP %d", status)
	}
}

// Lists that do not end: a cursor that comes again, cursors without entries, a link that leads elsewhere.
func TestListsThatDoNotEndAreLeft(t *testing.T) {
	n := 0
	for name, answer := range map[string]http.HandlerFunc{
		"the same cursor": text(200, `{"data":[{"type":"orgDevices","id":"A"}],"meta":{"paging":{"nextCursor":"x"}}}`),
		"two in turns": func(w http.ResponseWriter, _ *http.Request) {
			n++
			_, _ = fmt.Fprintf(w, `{"data":[{"type":"orgDevices","id":"A%d"}],"meta":{"paging":{"nextCursor":"x%d"}}}`, n, n%2)
		},
		"nothing, again and again": func(w http.ResponseWriter, _ *http.Request) {
			n++
			_, _ = fmt.Fprintf(w, `{"data":[],"meta":{"paging":{"nextCursor":"x%d"}}}`, n)
		},
	} {
		n = 0
		err := questions["devices"](t.Context(), answering(t, answer, axm.Options{}))
		require.ErrorIs(t, err, axm.ErrLoop, name)
		assert.Less(t, n, 30, name)
	}
	w := newWorld(t, appletest.API{APIStuckCursor: true, APIPageMax: 2})
	w.devices(t, 5)
	require.ErrorIs(t, questions["devices"](t.Context(), w.client(t, axm.Options{})), axm.ErrLoop)
}

func TestPagesGoOnToTheEnd(t *testing.T) {
	w := newWorld(t, appletest.API{APIPageMax: 3})
	serials := w.devices(t, 10)
	got, err := all(w.client(t, axm.Options{}).Devices(t.Context()))
	require.NoError(t, err)
	require.Len(t, got, 10)
	for i, d := range got {
		assert.Equal(t, serials[i], d.Serial)
	}
	assert.Equal(t, 4, w.apple.Count("GET", "/v1/orgDevices"))
	for range w.client(t, axm.Options{PageSize: 1}).Devices(t.Context()) { //nolint:errcheck // who has seen enough may leave
		break
	}
	assert.Equal(t, 5, w.apple.Count("GET", "/v1/orgDevices"), "pages are asked for as they are wanted")
}

// The next page is asked for at the API, whatever the link of the answer says; one without a cursor is no end.
func TestThreat09_LinksOfAnAnswerAreNotFollowed(t *testing.T) {
	asked := ""
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if asked = r.URL.Query().Get("cursor"); asked == "" {
			_, _ = w.Write([]byte(`{"data":[],"links":{"next":"https://169.254.169.254/latest?cursor=abc"}}`))
			return
		}
		_, _ = w.Write([]byte(`{"data":[]}`))
	}, axm.Options{})
	require.NoError(t, questions["devices"](t.Context(), c))
	assert.Equal(t, "abc", asked)
	c = answering(t, text(200, `{"data":[],"links":{"next":"https://169.254.169.254/latest"}}`), axm.Options{})
	require.ErrorIs(t, questions["devices"](t.Context(), c), axm.ErrAnswer)
	c = answering(t, text(200, `{"links":{}}`), axm.Options{})
	require.ErrorIs(t, questions["devices"](t.Context(), c), axm.ErrAnswer, "no list is not an empty one")
}

func TestThreat09_OnlyApplesHostsAreAsked(t *testing.T) {
	creds := newWorld(t, appletest.API{}).credentials(t)
	for name, o := range map[string]axm.Options{
		"another host":        {BaseURL: "https://evil.example"},
		"another token host":  {TokenURL: "https://evil.example/token"},
		"no encryption":       {BaseURL: "http://api-business.apple.com"},
		"not this machine":    {BaseURL: "http://10.0.0.1", Loopback: true},
		"a path":              {BaseURL: "https://api-business.apple.com/v2"},
		"a user":              {BaseURL: "https://me@api-business.apple.com"},
		"a query":             {TokenURL: axm.DefaultTokenURL + "?x=y"},
		"a line in the agent": {UserAgent: "a\r\nb"},
		"a page too large":    {PageSize: 1001},
		"no time":             {Timeout: -1},
	} {
		_, err := axm.NewClient(creds, o)
		require.ErrorIs(t, err, axm.ErrOptions, name)
	}
	_, err := axm.NewClient(axm.Credentials{}, axm.Options{})
	require.ErrorIs(t, err, axm.ErrOptions)
	_, err = axm.NewClient(creds, axm.Options{TokenURL: "https://account.apple.com/auth/oauth2/token"})
	require.NoError(t, err, "the other address of the token endpoint")
	transport, err := axm.NewTransport(axm.Options{})
	require.NoError(t, err)
	_, err = transport.RoundTrip(mustRequest(t, "https://evil.example/")) //nolint:bodyclose // there is no answer
	require.ErrorIs(t, err, axm.ErrAddress)
}

func mustRequest(t *testing.T, to string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to, nil)
	require.NoError(t, err)
	return r
}
