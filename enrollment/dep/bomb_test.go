package dep_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"net/http"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// zeros are a mebibyte of them as one gzip member; a stream of members is their concatenation (RFC 1952, 2.2).
func zeros(t *testing.T) []byte {
	t.Helper()
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, err := z.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return member.Bytes()
}

// A gigabyte of zeros that arrives as a megabyte is refused for the price of the bound, in every kind of answer.
func TestThreat08_CompressedBomb(t *testing.T) {
	member := zeros(t)
	bomb := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(status)
			for range 1024 {
				if _, err := w.Write(member); err != nil {
					return // the client has had enough
				}
			}
		}
	}
	account := func(ctx context.Context, c *dep.Client) error { return only(c.Account(ctx)) }
	for _, c := range []struct {
		name   string
		status int
		ask    func(context.Context, *dep.Client) error
		is     error
		most   uint64 // MiB
	}{
		{"an answer", 200, account, dep.ErrAnswer, 8},
		{"a page", 200, func(ctx context.Context, c *dep.Client) error { return read(ctx, c, "A") }, dep.ErrAnswer, 80},
		{"a write", 200, func(ctx context.Context, c *dep.Client) error { return write(ctx, c, "A") }, dep.ErrUnknown, 8},
		{"a refusal", 400, account, nil, 4},
		{"a redirect", 302, account, dep.ErrRedirect, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := answering(t, bomb(c.status), dep.Options{})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			err := c.ask(t.Context(), client)
			runtime.ReadMemStats(&after)
			require.Error(t, err)
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			}
			assert.Less(t, len(err.Error()), 2000)
			assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, c.most, "MiB that were allocated")
		})
	}
}

// The bounds are the host's to set, and mean what comes out of decompression.
func TestBoundsOfAnswers(t *testing.T) {
	body := `{"devices":{"A":{"response_status":"NOT_ACCESSIBLE"}}}`
	_, err := answering(t, text(200, body), dep.Options{MaxPage: int64(len(body))}).DeviceDetails(t.Context(), "A")
	require.NoError(t, err)
	_, err = answering(t, text(200, body), dep.Options{MaxPage: int64(len(body)) - 1}).DeviceDetails(t.Context(), "A")
	require.ErrorIs(t, err, dep.ErrAnswer)
	assert.Equal(t, enrollment.Retry, dep.Outcome(err))
	require.ErrorContains(t, err, "larger than")

	many := func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["X-Long"] = []string{string(bytes.Repeat([]byte("a"), 1<<20))}
		_, _ = w.Write([]byte(`{}`))
	}
	_, err = answering(t, many, dep.Options{}).Account(t.Context())
	require.Error(t, err, "headers are bounded as well")
	assert.Less(t, len(err.Error()), 2000)
}
