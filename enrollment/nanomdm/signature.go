package nanomdm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/abmtoken"
)

// signatureHeader holds the HMAC-SHA256 of the body in standard Base64 (NanoMDM v0.9.0, service/webhook).
const signatureHeader = "X-Hmac-Signature"

// verify checks the signature of a body. There has to be exactly one.
func verify(signatures []string, body []byte, key abmtoken.Secret) error {
	if len(signatures) != 1 {
		return fmt.Errorf("%w: there are %d of them", ErrSignature, len(signatures))
	}
	given, err := base64.StdEncoding.Strict().DecodeString(signatures[0])
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(body)
	if err != nil || !hmac.Equal(given, mac.Sum(nil)) {
		return ErrSignature
	}
	return nil
}

// mark is what an event is known by when it comes again.
type mark [sha256.Size]byte

func fingerprint(body []byte) mark { return sha256.Sum256(body) }

// replays remember the events of the last minutes. NanoMDM sends each event once; what comes a second time was repeated
// by something on the way, or by somebody. An event that could not be kept may come again.
type replays struct {
	mu    sync.Mutex
	until map[mark]time.Time
	order []mark
}

// maxReplays bounds how many are remembered. Beyond that a repeat may pass, and is a fact that is known already.
const maxReplays = 20_000

func (r *replays) seen(m mark) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, seen := r.until[m]
	return seen
}

func (r *replays) remember(m mark, until, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[mark]time.Time{}
	}
	if _, seen := r.until[m]; !seen {
		r.order = append(r.order, m)
	}
	r.until[m] = until
	for len(r.order) > 0 && (len(r.order) > maxReplays || r.until[r.order[0]].Before(now)) {
		delete(r.until, r.order[0])
		r.order = r.order[1:]
	}
}
