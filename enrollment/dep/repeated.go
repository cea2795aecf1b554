package dep

import (
	"context"
	"errors"
	"net/http/httptrace"
	"sync/atomic"
)

// attempts counts how often one request was written. Go's transport writes a GET again where a connection that it had kept
// breaks before the answer: Apple may have taken the first one, and then refuses the second for its nonce, which is that of a
// request that it knows (RFC 5849, 3.3), in the words for a dead token.
type attempts struct{ n atomic.Int32 }

func (a *attempts) counted(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { a.n.Add(1) }})
}

func (a *attempts) several() bool { return a.n.Load() > 1 }

// errRepeated is what becomes of a refusal that says nothing.
var errRepeated = errors.New("the connection broke, and the request that was repeated was refused, perhaps as a repetition")
