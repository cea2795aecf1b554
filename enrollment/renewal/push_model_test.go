package renewal_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// pushModel is a small account of its own of what the renewal of a push certificate may do: what secrets the store holds,
// whether the key of the request is there, and since when Apple is being asked. It knows nothing of states.
type pushModel struct {
	w     pushWorld
	now   time.Time
	kept  map[string]bool
	files int
	keyed bool
	asked time.Time // since when Apple is being asked about the candidate
}

func newPushModel(t *rapid.T, rows []machinetest.Row[pushWorld]) *pushModel {
	row := rows[rapid.IntRange(0, len(rows)-1).Draw(t, "shape")]
	m := &pushModel{w: row.S, now: row.At, keyed: row.S.Run.Key != nil}
	m.kept = m.needed()
	if c := m.w.Run.Candidate; c != nil {
		m.asked = c.UploadedAt
	}
	return m
}

// needed are the secrets that are referred to.
func (m *pushModel) needed() map[string]bool {
	needed := map[string]bool{}
	for _, c := range []*enrollment.PushCertificate{m.w.Push.Certificate, m.w.Push.Previous} {
		if c != nil {
			needed[c.Secret] = true
		}
	}
	if c := m.w.Run.Candidate; c != nil && m.w.Run.Live() {
		needed[c.Secret] = true
	}
	return needed
}

// take lets something happen and compares what came of it with what may.
func (m *pushModel) take(t *rapid.T, ev renewal.PushEvent) renewal.PushTransition {
	before := m.w
	tr, err := before.Run.Step(policy, m.now, ev)
	again, errAgain := before.Run.Step(policy, m.now, ev)
	require.Equal(t, tr, again, "a step is deterministic")
	require.Equal(t, err == nil, errAgain == nil)
	if err != nil {
		var refused *renewal.TransitionError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, before.Run, tr.Renewal)
		return tr
	}
	if made, is := ev.(renewal.KeyMade); is && tr.Moved && made.Outcome == enrollment.OK && made.KeyID != "" {
		m.keyed = true
	}
	if _, is := ev.(renewal.RequestTaken); is {
		require.True(t, m.keyed, "a request left whose key is not stored")
	}
	if tr.Activate != nil {
		m.mayActivate(t, ev, *tr.Activate)
	}
	m.w = before.after(tr)
	m.store(t, ev, tr)
	m.repeat(t, ev)
	return tr
}

// mayActivate demands that a certificate is put in use only if devices hear it, and that its predecessor is kept until
// Apple has accepted it.
func (m *pushModel) mayActivate(t *rapid.T, ev renewal.PushEvent, a enrollment.PushActivation) {
	was := m.w.Push
	if _, is := ev.(renewal.PushProven); is {
		want := *was.Certificate
		want.ProvenAt = m.now
		require.Equal(t, enrollment.PushActivation{Certificate: want}, a)
		require.False(t, was.Certificate.Proven())
		return
	}
	proven := false
	switch ev := ev.(type) {
	case renewal.PushProbed:
		proven = ev.Outcome == enrollment.OK && ev.Answer == enrollment.Accepted
		require.True(t, proven || ev.Outcome == enrollment.Fatal, "put in use by %s, %s", ev.Outcome, ev.Answer)
	case renewal.PushTicked:
		require.GreaterOrEqual(t, m.now.Sub(m.asked), day, "put in use before Apple had a day")
	default:
		require.Fail(t, "put in use by "+string(ev.Name()))
	}
	c := a.Certificate
	require.Equal(t, m.w.Run.Candidate.Secret, c.Secret)
	require.Equal(t, proven, c.Proven())
	require.True(t, m.now.Before(c.Expires), "an expired certificate was put in use")
	require.NotEmpty(t, c.KeyID)
	require.Equal(t, was.Generation()+1, c.Generation)
	if was.Certificate != nil {
		require.Equal(t, was.Certificate.Topic, c.Topic, "every device is deaf")
		require.True(t, c.Expires.After(was.Certificate.Expires))
		require.Equal(t, proven, a.Previous == nil, "the one before is kept until the new one is proven, and no longer")
	}
}

// store keeps account of the secrets: what is needed is there, and nothing else is.
func (m *pushModel) store(t *rapid.T, ev renewal.PushEvent, tr renewal.PushTransition) {
	if up, is := ev.(renewal.CertificateUploaded); is && tr.Moved && candidateOf(tr.Renewal) == up.Certificate.Secret {
		m.kept[up.Certificate.Secret] = true
	}
	for _, secret := range tr.Drop {
		require.True(t, m.kept[secret], "%s is dropped and is not there", secret)
		delete(m.kept, secret)
	}
	require.Equal(t, m.needed(), m.kept, "after %s: what is needed, and what the store holds", ev.Name())
	if !m.w.Run.Live() {
		require.False(t, m.w.Run.Notified, "a person still waits for word")
	}
}

// repeat demands that the same event a second time is harmless.
func (m *pushModel) repeat(t *rapid.T, ev renewal.PushEvent) {
	switch e := ev.(type) { // the host gives the push certificate as it stands by now
	case renewal.PushProbed:
		e.Push = m.w.Push
		ev = e
	case renewal.PushProven:
		e.Push = m.w.Push
		ev = e
	case renewal.PushTicked:
		e.Push = m.w.Push
		ev = e
	}
	tr, err := m.w.Run.Step(policy, m.now, ev)
	if err != nil {
		return
	}
	require.Nil(t, tr.Activate, "%s puts in use twice", ev.Name())
	require.Empty(t, tr.Drop)
	require.Equal(t, m.w.Run.State, tr.Renewal.State, "%s moves twice", ev.Name())
}

// upload gives a certificate to the renewal and demands that it is taken exactly where it must be.
func (m *pushModel) upload(t *rapid.T) {
	m.files++
	c := pushOf(fmt.Sprint("file_", m.files), 0)
	c.Expires = noon.Add(rapid.SampledFrom([]time.Duration{-day, 20 * day, 30 * day, 100 * day, 365 * day, year + day, 3 * year}).Draw(t, "expires"))
	c.Fingerprint = "fp_" + c.Expires.Format(time.DateOnly) // the same file again has another secret
	c.Topic = rapid.SampledFrom([]string{ourTopic, ourTopic, ourTopic, otherTopic, ""}).Draw(t, "topic")
	c.KeyID = rapid.SampledFrom([]string{"key_0", "key_1", "key_1", ""}).Draw(t, "key")
	before := m.w
	active, candidate := before.Push.Certificate, before.Run.Candidate
	if !before.Run.Live() {
		candidate = nil
	}
	known := active != nil && active.Fingerprint == c.Fingerprint || candidate != nil && candidate.Fingerprint == c.Fingerprint
	good := c.KeyID != "" && c.Topic != "" && m.now.Before(c.Expires) &&
		(active == nil || active.Topic == c.Topic && c.Expires.After(active.Expires)) &&
		(candidate == nil || c.Expires.After(candidate.Expires))
	if good && !known {
		m.asked = m.now
	}
	tr := m.take(t, renewal.CertificateUploaded{By: tess, Certificate: c, Push: before.Push, Devices: m.files})
	require.Equal(t, good && !known, candidateOf(tr.Renewal) == c.Secret, "a file in %s", before.Run.State)
	require.Equal(t, !good && !known, tr.Refused != nil, "the person hears why it was not taken")
	if good && !known {
		require.Equal(t, renewal.PushProbing, tr.Renewal.State)
	}
}

// adopt puts a certificate in use in another way, with everything that the host does in the same write.
func (m *pushModel) adopt(t *rapid.T) {
	m.files++
	c := enrollment.PushCertificate{
		Generation: m.w.Push.Generation() + 1, Secret: fmt.Sprint("adopted_", m.files), Fingerprint: fmt.Sprint("fp_adopted_", m.files),
		Topic: ourTopic, Expires: m.now.Add(rapid.SampledFrom([]time.Duration{5 * day, year}).Draw(t, "expires")), KeyID: "key_a", ProvenAt: m.now,
	}
	a, drop := m.w.Push.Replace(c, m.now)
	m.w.Push = m.w.Push.Activated(a)
	m.kept[c.Secret] = true
	for _, secret := range drop {
		require.True(t, m.kept[secret])
		delete(m.kept, secret)
	}
	candidate, live := m.w.Run.Candidate, m.w.Run.Live()
	newer := live && candidate != nil && candidate.Expires.After(c.Expires)
	foreign := m.w.Run.Topic != "" && m.w.Run.Topic != ourTopic
	tr := m.take(t, renewal.PushReplaced{Push: m.w.Push})
	require.Equal(t, live && !newer && !foreign, tr.Moved)
	require.Equal(t, live && (newer || foreign), tr.Renewal.Live())
}

func (m *pushModel) happen(t *rapid.T, among []pushEvent) {
	ev := among[rapid.IntRange(0, len(among)-1).Draw(t, "event")]
	t.Log(ev.Name)
	if ev.Late != nil {
		m.now = m.now.Add(ev.Late(m.w, m.now))
	}
	m.take(t, m.fresh(ev.Of(m.w, m.now)))
}

// fresh fills in what the host reads in the same write.
func (m *pushModel) fresh(ev renewal.PushEvent) renewal.PushEvent {
	if _, tick := ev.(renewal.PushTicked); tick {
		return renewal.PushTicked{Push: m.w.Push, Devices: 120}
	}
	return ev
}

func (m *pushModel) wait(t *rapid.T) {
	m.now = m.now.Add(rapid.SampledFrom([]time.Duration{minute, hour, 3 * day, 60 * day}).Draw(t, "wait"))
	m.take(t, m.fresh(renewal.PushTicked{}))
	if m.w.Run.State == renewal.PushProbing {
		require.Less(t, m.now.Sub(m.asked), day, "Apple is waited for without an end")
	}
}

// Whatever happens in whatever order, the renewal of a push certificate does what the model allows and nothing else.
func TestPushRenewalAgainstTheModel(t *testing.T) {
	t.Parallel()
	// Uploads and replacements have actions of their own; what happened at the push certificate meanwhile is left to the matrix.
	usual := slices.DeleteFunc(pushEvents(), func(ev pushEvent) bool {
		return strings.HasPrefix(ev.Name, "upload_certificate:") || strings.HasPrefix(ev.Name, "certificate_replaced:") ||
			strings.Contains(ev.Name, "meanwhile")
	})
	machine, rows := pushes(), pushShapes(t)
	rapid.Check(t, func(t *rapid.T) {
		m := newPushModel(t, rows)
		t.Repeat(map[string]func(*rapid.T){
			"upload": m.upload,
			"adopt":  m.adopt,
			"happen": func(t *rapid.T) { m.happen(t, usual) },
			"wait":   m.wait,
			"":       func(t *rapid.T) { require.NoError(t, machine.Sound(m.w)) },
		})
	})
}
