package apnshttp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func frame(kind byte, payload string) []byte {
	head := binary.BigEndian.AppendUint32(nil, uint32(len(payload)))[1:]
	return append(append(head, kind, 0, 0, 0, 0, 0), payload...)
}

// Only a GOAWAY frame says why the connection ends; data that looks like a reason is somebody's data.
func TestOnlyAGoAwayFrameIsAFarewell(t *testing.T) {
	const said = "\x00\x00\x00\x00\x00\x00\x00\x00" + `{"reason":"BadCertificate"}`
	for kind := range byte(10) {
		f := newFarewell(nil, nil)
		f.follow(frame(kind, said))
		assert.Equal(t, kind == goAway, f.reason != "", "a frame of type %d", kind)
	}
}

// A farewell without an end does not fill the memory.
func TestALongFarewellIsBounded(t *testing.T) {
	f := newFarewell(nil, nil)
	long := frame(goAway, strings.Repeat("x", 100_000))
	f.follow(long[:len(long)-1])
	assert.Len(t, f.kept, maxFarewell)
}

// A write may fail before the reason for it was read: the reader has a second to come to the end.
func TestTheLastWordsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFarewell(nil, nil)
		go func() {
			<-time.After(patience / 2)
			f.mu.Lock()
			f.follow(frame(goAway, "\x00\x00\x00\x00\x00\x00\x00\x00"+`{"reason":"Shutdown"}`))
			f.mu.Unlock()
			close(f.over)
		}()
		r, said := f.said(t.Context())
		assert.True(t, said)
		assert.Equal(t, Result{Outcome: Transient, Reason: "Shutdown"}, r)

		start := time.Now()
		_, said = newFarewell(nil, nil).said(t.Context())
		assert.False(t, said)
		assert.Equal(t, patience, time.Since(start), "and no longer")
	})
}

// Apple refuses a certificate by an alert of the other side that names it. What we ourselves complain about, and what is
// wrong with the protocol, says nothing of the certificate.
func TestOnlyAnAlertOfTheOtherSideAboutACertificateCounts(t *testing.T) {
	for op, alerts := range map[string]map[string]bool{
		"remote error": {
			"tls: bad certificate": true, "tls: revoked certificate": true, "tls: expired certificate": true, "tls: access denied": true,
			"tls: handshake failure": false, "tls: internal error": false, "tls: protocol version not supported": false,
		},
		"local error": {"tls: bad certificate": false}, "read": {"certificate": false},
	} {
		for alert, counts := range alerts {
			err := &net.OpError{Op: op, Err: errors.New(alert)}
			assert.Equal(t, counts, alertOf(err) != "", "%s: %s", op, alert)
		}
	}
	assert.Empty(t, alertOf(&net.OpError{Op: "remote error"}))
	assert.Empty(t, alertOf(io.EOF))
}

// endless is an answer's body without an end.
type endless struct{ read int }

func (e *endless) Read(p []byte) (int, error) {
	e.read += len(p)
	return copy(p, bytes.Repeat([]byte{' '}, len(p))), nil
}

func TestAnAnswerWithoutAnEndIsBounded(t *testing.T) {
	c, err := New(Options{})
	require.NoError(t, err)
	defer c.Close()
	body := &endless{}
	r, err := c.read(&http.Response{StatusCode: http.StatusForbidden, Body: io.NopCloser(io.LimitReader(body, 1<<20))})
	require.NoError(t, err)
	assert.Equal(t, Certificate, r.Outcome)
	assert.LessOrEqual(t, body.read, 4*maxAnswer)
}

// Apple says since when a device is gone; a time beside another answer means something else.
func TestOnlyADeviceThatIsGoneHasATime(t *testing.T) {
	body := []byte(`{"reason":"BadDeviceToken","timestamp":1700000000000}`)
	assert.Zero(t, answered(http.StatusBadRequest, http.Header{}, body, time.Now()).Since)
	assert.NotZero(t, answered(http.StatusGone, http.Header{}, body, time.Now()).Since)
}
