package nanomdm_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/micromdm/plist"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

func TestAWipeIsOneCommandForOneDevice(t *testing.T) {
	f := newFake(t)
	status, err := f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.NoError(t, err)
	assert.Equal(t, enrollment.WipeStatus{State: enrollment.WipeQueued, At: start}, status)
	got := f.requests()
	require.Len(t, got, 1)
	assert.Equal(t, http.MethodPut, got[0].method)
	assert.Equal(t, "/v1/enqueue/"+udid, got[0].path)
	assert.Empty(t, got[0].query, "the device is woken")
	assert.Equal(t, "nanomdm", got[0].user)
	assert.Equal(t, apiKey, got[0].password)
	var sent map[string]any
	require.NoError(t, plist.Unmarshal(got[0].body, &sent))
	assert.Equal(t, map[string]any{
		"CommandUUID": command,
		"Command":     map[string]any{"RequestType": "EraseDevice", "ObliterationBehavior": "DoNotObliterate"},
	}, sent)
}

func TestNobodyIsWokenWhereTheHostSaysSo(t *testing.T) {
	f := newFake(t)
	d := f.dispatcher(func(o *nanomdm.Options) { o.NoPush = true })
	_, err := d.Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.NoError(t, err)
	_, err = d.Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrRepeated)
	for _, r := range f.requests() {
		assert.Equal(t, "/v1/enqueue/"+udid, r.path)
		assert.Equal(t, "nopush=1", r.query)
	}
}

// A push that failed leaves the command in the queue (NanoMDM v0.9.0 answers 500 then).
func TestAQueuedWipeStaysQueuedWithoutAPush(t *testing.T) {
	for what, body := range map[string]string{
		"for all": `{"push_error":"no push certificate","command_uuid":"` + command + `","request_type":"EraseDevice"}`,
		"for one": `{"status":{"` + udid + `":{"push_error":"no push certificate"}},"command_uuid":"` + command + `","request_type":"EraseDevice"}`,
	} {
		t.Run(what, func(t *testing.T) {
			f := newFake(t)
			f.says(http.StatusInternalServerError, body)
			status, err := f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
			require.NoError(t, err)
			assert.Equal(t, enrollment.WipeQueued, status.State)
			assert.Contains(t, status.Reason, "no push certificate")
		})
	}
}

// What each answer says about the wipe. What is not clear is not known: it is never Retry, or the wipe would be sent again.
func TestAnswersSayWhatBecameOfAWipe(t *testing.T) {
	named := `,"command_uuid":"` + command + `","request_type":"EraseDevice"}`
	for what, c := range map[string]struct {
		status int
		body   string
		want   enrollment.Outcome
		is     error
	}{
		"queued":                   {200, `{"no_push":true` + named, enrollment.OK, nil},
		"repeated, key-value":      {500, `{"command_error":"command already exists: ` + command + `"` + named, enrollment.OK, enrollment.ErrRepeated},
		"repeated, MySQL":          {500, `{"command_error":"Error 1062 (23000): Duplicate entry '` + command + `' for key 'commands.PRIMARY'"` + named, enrollment.OK, enrollment.ErrRepeated},
		"repeated, PostgreSQL":     {500, `{"command_error":"pq: duplicate key value violates unique constraint \"commands_pkey\""` + named, enrollment.OK, enrollment.ErrRepeated},
		"no such device, MySQL":    {500, `{"command_error":"Error 1452: Cannot add or update a child row: a foreign key constraint fails"` + named, enrollment.Fatal, enrollment.ErrNoDevice},
		"no such device, Postgres": {500, `{"command_error":"pq: insert or update on table \"enrollment_queue\" violates foreign key constraint"` + named, enrollment.Fatal, enrollment.ErrNoDevice},
		"the database broke off":   {500, `{"command_error":"driver: bad connection"` + named, enrollment.Unknown, nil},
		"half queued, key-value":   {500, `{"status":{"` + command + `":{"command_error":"enqueue: disk full"}}` + named, enrollment.Unknown, nil},
		"half queued":              {500, `{"status":{"` + udid + `":{"command_error":"disk full"}}` + named, enrollment.Unknown, nil},
		"half queued, for others":  {500, `{"status":{"other":{"command_error":"disk full"}}` + named, enrollment.Unknown, nil},
		"another command":          {200, `{"command_uuid":"other","request_type":"EraseDevice"}`, enrollment.Unknown, nil},
		"another kind":             {200, `{"command_uuid":"` + command + `","request_type":"DeviceLock"}`, enrollment.Unknown, nil},
		"nothing":                  {200, ``, enrollment.Unknown, nanomdm.ErrAnswer},
		"no JSON":                  {200, `<html>`, enrollment.Unknown, nanomdm.ErrAnswer},
		"null":                     {200, `null`, enrollment.Unknown, nanomdm.ErrAnswer},
		"bad gateway":              {502, `bad gateway`, enrollment.Unknown, nil},
		"unavailable":              {503, `unavailable`, enrollment.Unknown, nil},
		"gateway time-out":         {504, ``, enrollment.Unknown, nil},
		"wrong key":                {401, `Unauthorized`, enrollment.Fatal, nanomdm.ErrKey},
		"not allowed":              {403, ``, enrollment.Fatal, nanomdm.ErrKey},
		"no such path":             {404, `404 page not found`, enrollment.Fatal, nanomdm.ErrRefused},
		"too large":                {413, ``, enrollment.Fatal, nanomdm.ErrRefused},
		"moved":                    {302, ``, enrollment.Fatal, nanomdm.ErrRedirect},
		"moved for good":           {308, ``, enrollment.Fatal, nanomdm.ErrRedirect},
		"too many requests":        {429, ``, enrollment.Retry, nanomdm.ErrRefused},
	} {
		t.Run(what, func(t *testing.T) {
			f := newFake(t)
			f.says(c.status, c.body, "Location", "http://localhost:1/elsewhere", "Retry-After", "90")
			_, err := f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
			outcome, after := enrollment.Sent(err)
			assert.Equal(t, c.want, outcome, "%v", err)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			if c.want == enrollment.Retry {
				assert.Equal(t, 90*time.Second, after)
			}
			assert.Len(t, f.enqueued(), 1, "it is asked once")
		})
	}
}

func TestALargeAnswerIsCutOff(t *testing.T) {
	f := newFake(t)
	f.says(http.StatusOK, `{"command_uuid":"`+command+`","request_type":"EraseDevice","x":"`+string(make([]byte, 1000))+`"}`)
	_, err := f.dispatcher(func(o *nanomdm.Options) { o.MaxAnswer = 500 }).Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.ErrorIs(t, err, nanomdm.ErrAnswer)
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Unknown, outcome)
}

// An answer that does not come leaves it open; a connection that never stood does not.
func TestSilenceIsUnknownOnlyWhereSomethingLeft(t *testing.T) {
	t.Run("cut off after the request", func(t *testing.T) {
		f := newFake(t)
		f.answer = func(w http.ResponseWriter, _ *http.Request) bool {
			c, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = c.Close()
			}
			return true
		}
		_, err := f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
		outcome, _ := enrollment.Sent(err)
		assert.Equal(t, enrollment.Unknown, outcome, "%v", err)
	})
	t.Run("nobody listens", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		f := &fake{t: t, url: "http://" + l.Addr().String()}
		require.NoError(t, l.Close())
		_, err = f.dispatcher().Wipe(t.Context(), wipe(), enrollment.PIN{})
		outcome, _ := enrollment.Sent(err)
		assert.Equal(t, enrollment.Retry, outcome, "%v", err)
	})
	t.Run("the deadline passes", func(t *testing.T) {
		f := newFake(t)
		f.answer = func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true }
		_, err := f.dispatcher(func(o *nanomdm.Options) { o.Timeout = 50 * time.Millisecond }).Wipe(t.Context(), wipe(), enrollment.PIN{})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		outcome, _ := enrollment.Sent(err)
		assert.Equal(t, enrollment.Unknown, outcome, "%v", err)
	})
	t.Run("the context has ended", func(t *testing.T) {
		f := newFake(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := f.dispatcher().Wipe(ctx, wipe(), enrollment.PIN{})
		require.ErrorIs(t, err, context.Canceled)
		outcome, _ := enrollment.Sent(err)
		assert.Equal(t, enrollment.Retry, outcome, "%v", err)
		assert.Empty(t, f.requests())
	})
}

func TestNothingIsSentFromNotAfterOn(t *testing.T) {
	for _, late := range []time.Duration{0, time.Nanosecond, time.Hour} {
		f := newFake(t)
		_, err := f.dispatcher().Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.NotAfter = start.Add(-late) }), enrollment.PIN{})
		require.ErrorIs(t, err, enrollment.ErrTooLate)
		assert.Empty(t, f.requests())
	}
	nobody := &fake{t: t, url: "http://127.0.0.1:1"}
	_, err := nobody.dispatcher().Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.NotAfter = start }), enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrTooLate, "it is not even connected for")
	f := newFake(t)
	_, err = f.dispatcher().Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.NotAfter = time.Time{} }), enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrTooLate, "an order without an end is none")
}

// The connection may take longer to stand than the order lasts: what counts is when the command leaves.
func TestASlowHandshakeMakesAWipeTooLate(t *testing.T) {
	var now atomic.Int64
	var bodies atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 1)
		if n, _ := r.Body.Read(b); n > 0 {
			bodies.Add(1)
		}
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			now.Store(int64(time.Minute)) // connecting took a minute
		}
	}
	dialed := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		now.Store(int64(time.Minute))
		return c, err
	}}
	s.Start()
	t.Cleanup(s.Close)
	server, err := nanomdm.NewServer(nanomdm.Options{
		BaseURL: s.URL, APIKey: abmtoken.NewSecret(apiKey), Transport: dialed,
		Now: func() time.Time { return start.Add(time.Duration(now.Load())) },
	})
	require.NoError(t, err)
	_, err = nanomdm.NewDispatcher(nanomdm.Only(server), nil).Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrTooLate)
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Retry, outcome)
	s.Close()
	assert.Zero(t, bodies.Load(), "not a byte of the command may arrive")
}

// NanoMDM takes lists of devices with commas in them, so a made-up enrollment ID could name a thousand.
func TestOneWipeNamesOneDevice(t *testing.T) {
	for _, bad := range []string{"", udid + "," + udid, "a/b", "a?b", "a%2Cb", "../v1/push/" + udid, "a b", udid + ":user", "ü"} {
		f := newFake(t)
		_, err := f.dispatcher().Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.Device.UDID = bad }), enrollment.PIN{})
		require.ErrorIs(t, err, nanomdm.ErrWipe, bad)
		require.ErrorIs(t, f.dispatcher().Wake(t.Context(), enrollment.WipeRef{UDID: bad}), nanomdm.ErrWipe, bad)
		assert.Empty(t, f.requests())
	}
}

// What it cannot do it says, instead of a guess.
func TestNanoMDMCanNeitherTellNorRecall(t *testing.T) {
	d := newFake(t).dispatcher()
	_, err := d.WipeStatus(t.Context(), wipe().Ref())
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorIs(t, d.RecallWipe(t.Context(), wipe().Ref()), errors.ErrUnsupported)
	can, err := d.WipeAbilities(t.Context(), "acme", "old")
	require.NoError(t, err)
	assert.Equal(t, enrollment.WipeAbilities{PIN: true, ReturnService: true}, can)
}

func TestServersAreFoundByTenantAndMDM(t *testing.T) {
	f := newFake(t)
	down := errors.New("the table is locked")
	server := f.server()
	d := nanomdm.NewDispatcher(func(_ context.Context, tenant enrollment.TenantID, mdm enrollment.MDMID) (*nanomdm.Server, error) {
		switch {
		case tenant != "acme":
			return nil, nil
		case mdm != "old":
			return nil, down
		}
		return server, nil
	}, nil)
	_, err := d.Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.Tenant = "other" }), enrollment.PIN{})
	require.ErrorIs(t, err, enrollment.ErrNoDevice)
	_, err = d.Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.MDM = "new" }), enrollment.PIN{})
	require.ErrorIs(t, err, down)
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Retry, outcome)
	assert.Empty(t, f.requests())
	_, err = d.Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.NoError(t, err)
}
