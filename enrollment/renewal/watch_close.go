package renewal

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// closely is the longest time for which a watch asks more often after a certificate was handed out: who takes one is
// about to visit the portal.
const closely = 7 * day

func (w *Watch) watchClosely(p enrollment.Policy, now time.Time) {
	w.CloseUntil = now.Add(min(p.UploadWithin, closely))
	w.ProbeAt = outbox.Earliest(w.ProbeAt, w.nextProbe(now, w.probeEvery(p, now)))
}

// probeEvery is how often Apple is asked about a credential that it accepts.
func (w *Watch) probeEvery(p enrollment.Policy, now time.Time) time.Duration {
	if now.Before(w.CloseUntil) {
		return min(p.ProbeEvery, p.RecheckEvery)
	}
	return p.ProbeEvery
}
