package nanomdm_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// A device's property list reaches no parser before it was seen to be harmless, and is refused with a clear answer.
func TestThreat07_HostilePropertyListsAreRefused(t *testing.T) {
	for what, raw := range map[string]string{
		"billion laughs":  `<!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><plist><dict><key>UDID</key><string>&b;</string></dict></plist>`,
		"external entity": `<!DOCTYPE plist SYSTEM "file:///etc/passwd"><plist><dict/></plist>`,
		"deep":            `<plist><dict><key>a</key>` + strings.Repeat("<array>", 100_000),
		"binary":          "bplist00\xd1\x01\x02TUDID",
		"many":            `<plist><dict><key>a</key><array>` + strings.Repeat("<dict/>", 60_000) + `</array></dict></plist>`,
		"two identities":  `<plist><dict><key>UDID</key><string>` + udid + `</string><key>UDID</key><string>other</string></dict></plist>`,
	} {
		t.Run(what, func(t *testing.T) {
			var b inbox
			e := checkOut(start)
			e.raw = []byte(raw)
			status, text := post(hook(t, &b), e.body(t))
			assert.Equal(t, http.StatusBadRequest, status, text)
			assert.Contains(t, text, "property list")
			assert.Empty(t, b.all())
		})
	}
}

// The wipe names exactly one device; what an event says of a device has to be what the device said.
func TestThreat11_NoOtherDeviceIsMeant(t *testing.T) {
	f := newFake(t)
	_, err := f.dispatcher().Wipe(t.Context(), wipe(func(w *enrollment.Wipe) { w.Device.UDID = "AAAA,BBBB" }), enrollment.PIN{})
	require.Error(t, err)
	assert.Empty(t, f.requests())
	var b inbox
	e := connect(start, "Acknowledged", command)
	body := strings.Replace(string(e.body(t)), `"udid":"`+udid+`"`, `"udid":"11111111-5FDF-5EC4-8429-15640684C489"`, 1)
	status, _ := post(hook(t, &b), []byte(body))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Empty(t, b.all())
}

// Workers that do the same wipe at once, after a lease ran out for instance, queue it once.
func TestThreat15_EightWorkersQueueOneWipe(t *testing.T) {
	f := newFake(t)
	d := f.dispatcher()
	var wg sync.WaitGroup
	outcomes := make([]error, 8)
	for i := range outcomes {
		wg.Go(func() { _, outcomes[i] = d.Wipe(t.Context(), wipe(), enrollment.PIN{}) })
	}
	wg.Wait()
	queued := 0
	for _, err := range outcomes {
		if err == nil {
			queued++
			continue
		}
		require.ErrorIs(t, err, enrollment.ErrRepeated)
	}
	assert.Equal(t, 1, queued)
	assert.Equal(t, []string{command}, f.commands())
}
