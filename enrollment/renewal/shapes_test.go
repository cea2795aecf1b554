package renewal_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// story plays named events on a world, one after the other.
type story struct {
	t   testing.TB
	w   world
	now time.Time
}

func (s *story) do(names ...string) *story {
	s.t.Helper()
	for _, name := range names {
		found := false
		for _, ev := range events() {
			if ev.Name != name {
				continue
			}
			found = true
			if ev.Late != nil {
				s.now = s.now.Add(ev.Late(s.w, s.now))
			}
			step, err := machine().Step(s.w, s.now, ev.Of(s.w, s.now))
			require.NoError(s.t, err, name)
			require.True(s.t, step.Moved, "%s is ignored in %s", name, s.w.Run.State)
			s.w = step.Next
		}
		require.True(s.t, found, "there is no event %q", name)
	}
	return s
}

func (s *story) pass(d time.Duration) *story {
	s.now = s.now.Add(d)
	return s
}

// shapes are a snapshot of every state, in every shape that makes a difference.
func shapes(t testing.TB) []machinetest.Row[world] {
	t.Helper()
	var rows []machinetest.Row[world]
	add := func(name string, s *story) {
		rows = append(rows, machinetest.Row[world]{Name: name, At: s.now, S: s.w})
	}
	usual := func() *story { return &story{t: t, w: start(t, pinned(), enrollment.Expiring), now: noon} }
	urgent := func() *story { return &story{t: t, w: start(t, pinned(), enrollment.Rejected), now: noon} }
	first := func() *story {
		return (&story{t: t, w: start(t, bare(), enrollment.Missing), now: noon}).do("push_checked: valid")
	}
	ready := func() *story { return usual().do("push_checked: valid") }
	out := func() *story { return ready().do("certificate", "key_made: done", "certificate_taken") }
	const newToken, newest = "upload: the candidate again", "upload: the newest"

	add("checking_push", usual())
	add("checking_push: certificate wanted", usual().do("certificate"))
	add("checking_push: last attempt", usual().do("push_checked: no answer", "push_checked: lost answer"))
	add("checking_push: push certificate expired", usual().do("push_checked: expired"))
	add("awaiting_upload", ready())
	add("awaiting_upload: urgent", urgent())
	add("awaiting_upload: key being made", ready().do("certificate"))
	add("awaiting_upload: no key could be made", ready().do("certificate", "key_made: failed"))
	add("awaiting_upload: certificate out", out())
	add("awaiting_upload: certificate sent", ready().do("certificate", "key_made: done", "publish: by a person"))
	add("awaiting_upload: certificate published", ready().do("certificate", "key_made: done", "publish: by a person", "published: done"))
	add("awaiting_upload: a file was refused", out().do("upload: older than the active one"))
	add("awaiting_upload: a token was rejected", out().do(newToken, "verified: rejected"))
	add("awaiting_upload: a notice waits", ready().do("tick: the reminder is due"))
	add("verifying", ready().do(newToken))
	add("verifying: certificate out", out().do(newToken))
	add("verifying: key being made", ready().do("certificate", newToken))
	add("verifying: key made, certificate not out", ready().do("certificate", "key_made: done", newToken))
	add("verifying: unanswered", out().do(newToken, "verified: unreachable"))
	add("verifying: a spare waits", out().do(newToken, newest))
	add("verifying: first token", first().do(newToken))
	add("verifying: first token, confirmed", first().do("upload: the candidate again, confirmed"))
	add("blocked_terms", out().do(newToken, "verified: terms pending"))
	add("awaiting_confirmation: first token", first().do(newToken, "verified: the same identity"))
	add("awaiting_confirmation: another organization", out().do(newToken, "verified: another organization"))
	add("awaiting_confirmation: answer not fresh", first().do(newToken, "verified: the same identity").pass(hour))
	add("completed", out().do(newToken, "verified: the same identity"))
	add("completed: word of it waits", out().do(newToken, "verified: terms pending", "verified: the same identity"))
	add("cancelled", out().do("cancel"))
	add("lapsed", out().do("tick: the wait is over"))
	add("superseded", out().do("token_replaced: by the newest"))
	return rows
}
