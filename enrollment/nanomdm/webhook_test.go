package nanomdm_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

func TestWebhooksThatProveNothingAreRefused(t *testing.T) {
	body := authenticate(start).body(t)
	for what, c := range map[string]struct {
		change func(*http.Request)
		status int
	}{
		"no signature":        {func(r *http.Request) { r.Header.Del("X-Hmac-Signature") }, 401},
		"another key":         {func(r *http.Request) { r.Header.Set("X-Hmac-Signature", sign(body, "guess")) }, 401},
		"an empty key":        {func(r *http.Request) { r.Header.Set("X-Hmac-Signature", sign(body, "")) }, 401},
		"another body's":      {func(r *http.Request) { r.Header.Set("X-Hmac-Signature", sign(body[1:], hmacKey)) }, 401},
		"hexadecimal":         {func(r *http.Request) { r.Header.Set("X-Hmac-Signature", "00") }, 401},
		"no Base64":           {func(r *http.Request) { r.Header.Set("X-Hmac-Signature", sign(body, hmacKey)+"!") }, 401},
		"cut short":           {func(r *http.Request) { r.Header.Set("X-Hmac-Signature", sign(body, hmacKey)[:40]) }, 401},
		"a second signature":  {func(r *http.Request) { r.Header.Add("X-Hmac-Signature", "x") }, 401},
		"an empty second one": {func(r *http.Request) { r.Header.Add("X-Hmac-Signature", "") }, 401},
		"GET":                 {func(r *http.Request) { r.Method = http.MethodGet }, 405},
		"PUT":                 {func(r *http.Request) { r.Method = http.MethodPut }, 405},
		"as it should be":     {func(*http.Request) {}, 200},
	} {
		t.Run(what, func(t *testing.T) {
			var b inbox
			status, text := post(hook(t, &b), body, c.change)
			assert.Equal(t, c.status, status, text)
			assert.Len(t, b.all(), map[int]int{200: 1}[c.status])
			assert.NotContains(t, text, sign(body, hmacKey), "an answer may not tell the right signature")
		})
	}
}

func TestMegabytesAreRefused(t *testing.T) {
	var b inbox
	var why []error
	h := hook(t, &b, func(c *nanomdm.WebhookConfig) {
		c.Report = func(_ context.Context, err error) { why = append(why, err) }
	})
	status, text := post(h, bytes.Repeat([]byte(" "), 1<<20+1))
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)
	assert.Contains(t, text, "1048576")
	require.Len(t, why, 1)
	require.ErrorIs(t, why[0], nanomdm.ErrTooLarge)

	body := authenticate(start).body(t)
	h = hook(t, &b, func(c *nanomdm.WebhookConfig) { c.MaxBody = int64(len(body)) })
	status, _ = post(h, body)
	assert.Equal(t, http.StatusOK, status, "the bound itself passes")
}

// An event can be played again for minutes only, and then does nothing.
func TestOldEventsAndRepeatsDoNothing(t *testing.T) {
	now := start
	var b inbox
	h := hook(t, &b, func(c *nanomdm.WebhookConfig) { c.Now = func() time.Time { return now } })
	body := authenticate(start).body(t)
	for _, age := range []time.Duration{0, time.Minute, 5 * time.Minute} {
		now = start.Add(age)
		status, text := post(h, body)
		assert.Equal(t, http.StatusOK, status, text)
		assert.Len(t, b.all(), 1)
	}
	for _, age := range []time.Duration{5*time.Minute + 1, time.Hour, -5*time.Minute - 1} {
		now = start.Add(age)
		status, text := post(h, body)
		assert.Equal(t, http.StatusBadRequest, status, text)
		assert.Contains(t, text, "clock")
	}
	now = start
	send(t, h, authenticate(start.Add(time.Second)))
	assert.Len(t, b.all(), 2, "another event is another")
}

func TestEventsThatContradictThemselvesAreRefused(t *testing.T) {
	change := func(s said, f func(told map[string]any)) []byte {
		var all map[string]any
		require.NoError(t, json.Unmarshal(s.body(t), &all))
		name := "checkin_event"
		if s.topic == "mdm.Connect" {
			name = "acknowledge_event"
		}
		told, _ := all[name].(map[string]any)
		f(told)
		body, err := json.Marshal(all)
		require.NoError(t, err)
		return body
	}
	answer := connect(start, "Acknowledged", command)
	with := func(s said, key string, value any) said {
		m := map[string]any{}
		for k, v := range s.message {
			m[k] = v
		}
		m[key] = value
		s.raw = nil
		raw := said{topic: s.topic, message: m}
		var all map[string]map[string]any
		_ = json.Unmarshal(raw.body(t), &all)
		for _, told := range all {
			if text, is := told["raw_payload"].(string); is {
				s.raw, _ = base64.StdEncoding.DecodeString(text)
			}
		}
		return s
	}
	for what, body := range map[string][]byte{
		"no JSON":                      []byte("{"),
		"null":                         []byte("null"),
		"an array":                     []byte("[]"),
		"no topic":                     []byte(`{}`),
		"nothing in it":                []byte(`{"topic":"mdm.Authenticate","created_at":"2026-11-25T08:00:00Z"}`),
		"the other kind in it":         bytes.Replace(checkOut(start).body(t), []byte("mdm.CheckOut"), []byte("mdm.Connect"), 1),
		"no time":                      bytes.Replace(checkOut(start).body(t), []byte("created_at"), []byte("made_at"), 1),
		"no payload":                   change(checkOut(start), func(m map[string]any) { delete(m, "raw_payload") }),
		"payload is no Base64":         change(checkOut(start), func(m map[string]any) { m["raw_payload"] = "%%" }),
		"payload is no list":           change(checkOut(start), func(m map[string]any) { m["raw_payload"] = "AAAA" }),
		"no IDs":                       change(checkOut(start), func(m map[string]any) { delete(m, "ids") }),
		"no UDID":                      change(checkOut(start), func(m map[string]any) { delete(m, "udid") }),
		"another enrollment ID":        change(checkOut(start), func(m map[string]any) { m["ids"] = map[string]string{"id": "other", "type": "Device"} }),
		"another UDID":                 change(checkOut(start), func(m map[string]any) { m["udid"] = "other" }),
		"another UDID in the list":     with(checkOut(start), "UDID", "other").body(t),
		"a UDID that is no text":       with(checkOut(start), "UDID", 7).body(t),
		"another message in it":        with(checkOut(start), "MessageType", "Authenticate").body(t),
		"another status in it":         with(answer, "Status", "Error").body(t),
		"another command in it":        with(answer, "CommandUUID", "other").body(t),
		"no serial number":             with(authenticate(start), "SerialNumber", "").body(t),
		"a serial number that is none": with(authenticate(start), "SerialNumber", "C02/../X").body(t),
		"time is no time":              bytes.Replace(checkOut(start).body(t), []byte("2026-11-25T08"), []byte("yesterday"), 1),
	} {
		t.Run(what, func(t *testing.T) {
			var b inbox
			status, text := post(hook(t, &b), body)
			assert.Equal(t, http.StatusBadRequest, status, text)
			assert.Empty(t, b.all())
		})
	}
}

// Unsigned events are for a test bench on one machine: anything from elsewhere, or through a proxy, is refused.
func TestUnsignedEventsComeFromThisMachineOnly(t *testing.T) {
	body := authenticate(start).body(t)
	unsigned := func(c *nanomdm.WebhookConfig) { c.Key, c.AllowUnsigned = abmtoken.Secret{}, true }
	for what, c := range map[string]struct {
		from   string
		header string
		status int
	}{
		"loopback":            {"127.0.0.1:5000", "", 200},
		"loopback, IPv6":      {"[::1]:5000", "", 200},
		"loopback, mapped":    {"[::ffff:127.0.0.1]:5000", "", 200},
		"another machine":     {"192.0.2.1:5000", "", 401},
		"private network":     {"10.0.0.1:5000", "", 401},
		"nowhere":             {"", "", 401},
		"a name":              {"localhost:5000", "", 401},
		"through a proxy":     {"127.0.0.1:5000", "X-Forwarded-For", 401},
		"through another":     {"127.0.0.1:5000", "Forwarded", 401},
		"signed all the same": {"127.0.0.1:5000", "X-Hmac-Signature", 401},
	} {
		t.Run(what, func(t *testing.T) {
			var b inbox
			status, text := post(hook(t, &b, unsigned), body, func(r *http.Request) {
				r.Header.Del("X-Hmac-Signature")
				r.RemoteAddr = c.from
				if c.header != "" {
					r.Header.Set(c.header, "x")
				}
			})
			assert.Equal(t, c.status, status, text)
		})
	}
}

func TestTenantsAreFoundByTheMessage(t *testing.T) {
	var b inbox
	var asked []nanomdm.Origin
	h := hook(t, &b, func(c *nanomdm.WebhookConfig) {
		c.Tenant = ""
		c.TenantOf = func(_ context.Context, o nanomdm.Origin) (enrollment.TenantID, error) {
			asked = append(asked, o)
			switch o.Params["t"] {
			case "acme":
				return "acme", nil
			case "down":
				return "", errors.New("down")
			}
			return "", nil
		}
	})
	e := authenticate(start)
	e.params = map[string]string{"t": "acme"}
	send(t, h, e)
	require.Len(t, b.all(), 1)
	assert.Equal(t, enrollment.TenantID("acme"), b.all()[0].Tenant)
	assert.Equal(t, nanomdm.Origin{UDID: udid, Serial: serial, Topic: "com.apple.mgmt.External.x", Params: map[string]string{"t": "acme"}}, asked[0])
	e.params = map[string]string{"t": "stranger"}
	send(t, h, e)
	assert.Len(t, b.all(), 1, "a device of nobody is left out")
	e.params = map[string]string{"t": "down"}
	status, _ := post(h, e.body(t))
	assert.Equal(t, http.StatusServiceUnavailable, status)
}

// One MDM may stand behind the old service and the new one: the URL that the device enrolled with tells them apart.
func TestTheServiceIsToldWhereTheURLTellsIt(t *testing.T) {
	var b inbox
	h := hook(t, &b, func(c *nanomdm.WebhookConfig) {
		c.ServiceOf = func(o nanomdm.Origin) enrollment.ServerID { return enrollment.ServerID(o.Params["service"]) }
	})
	e := authenticate(start)
	e.params = map[string]string{"service": "srv_new"}
	send(t, h, e)
	send(t, h, tokenUpdate(start.Add(time.Second), 1))
	require.Len(t, b.all(), 2)
	assert.Equal(t, enrollment.ServerID("srv_new"), b.all()[0].Server)
	assert.Empty(t, b.all()[1].Server, "and is not made up where it does not")
}

func TestWebhooksAreConfiguredWhole(t *testing.T) {
	whole := nanomdm.WebhookConfig{
		MDM: "old", Tenant: "acme", Key: abmtoken.NewSecret("k"), Deliver: (&inbox{}).deliver,
	}
	_, err := nanomdm.NewWebhook(whole)
	require.NoError(t, err)
	for what, change := range map[string]func(*nanomdm.WebhookConfig){
		"no MDM":     func(c *nanomdm.WebhookConfig) { c.MDM = "" },
		"no Deliver": func(c *nanomdm.WebhookConfig) { c.Deliver = nil },
		"no tenant":  func(c *nanomdm.WebhookConfig) { c.Tenant = "" },
		"both": func(c *nanomdm.WebhookConfig) {
			c.TenantOf = func(context.Context, nanomdm.Origin) (enrollment.TenantID, error) { return "", nil }
		},
		"no key":       func(c *nanomdm.WebhookConfig) { c.Key = abmtoken.Secret{} },
		"key for what": func(c *nanomdm.WebhookConfig) { c.AllowUnsigned = true },
		"negative":     func(c *nanomdm.WebhookConfig) { c.MaxBody = -1 },
		"ageless":      func(c *nanomdm.WebhookConfig) { c.MaxAge = -1 },
	} {
		c := whole
		change(&c)
		_, err := nanomdm.NewWebhook(c)
		require.ErrorIs(t, err, nanomdm.ErrOptions, what)
	}
}
