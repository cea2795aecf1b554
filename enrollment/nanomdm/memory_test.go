package nanomdm_test

import (
	"net/http"
	"testing"

	"github.com/micromdm/plist"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/nanomdm"
)

// The server does not tell how it is configured, but shows it with a command that was answered.
func TestAServerProvesThatItRemembers(t *testing.T) {
	f := newFake(t)
	s := f.server()
	d := nanomdm.NewDispatcher(nanomdm.Only(s), nil)
	_, err := d.Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.NoError(t, err)
	can, err := d.WipeAbilities(t.Context(), "acme", "old")
	require.NoError(t, err)
	assert.False(t, can.RefusesRepeats, "nothing was answered yet, so nothing is proven")

	h := hook(t, &inbox{}, func(c *nanomdm.WebhookConfig) { c.Server = s })
	send(t, h, connect(start, "NotNow", command))
	can, err = d.WipeAbilities(t.Context(), "acme", "old")
	require.NoError(t, err)
	assert.False(t, can.RefusesRepeats, "NotNow is no end: any server still has the command")
	send(t, h, connect(start, "Acknowledged", command))
	can, err = d.WipeAbilities(t.Context(), "acme", "old")
	require.NoError(t, err)
	assert.True(t, can.RefusesRepeats)

	asked := len(f.requests())
	_, err = d.WipeAbilities(t.Context(), "acme", "old")
	require.NoError(t, err)
	assert.Len(t, f.requests(), asked, "it is asked once")
	assert.Equal(t, []string{command}, f.commands(), "the question queues nothing")
}

// The question must not be able to do anything, whatever the server makes of it.
func TestTheQuestionIsHarmless(t *testing.T) {
	f := newFake(t)
	f.forget = true
	memory, err := f.server(func(o *nanomdm.Options) { o.Answered = command }).Memory(t.Context())
	require.NoError(t, err)
	assert.Equal(t, nanomdm.Forgets, memory)
	got := f.requests()
	require.Len(t, got, 1)
	assert.Equal(t, "/v1/enqueue/abmrenew-memory-check", got[0].path)
	assert.Equal(t, "nopush=1", got[0].query)
	var sent map[string]any
	require.NoError(t, plist.Unmarshal(got[0].body, &sent))
	assert.Equal(t, map[string]any{"CommandUUID": command, "Command": map[string]any{"RequestType": "DeviceInformation"}}, sent)
}

func TestWhatAServerShowsOfItsMemory(t *testing.T) {
	named := `,"command_uuid":"` + command + `","request_type":"DeviceInformation"}`
	for what, c := range map[string]struct {
		status int
		body   string
		want   nanomdm.Memory
		fails  bool
	}{
		"it knows the command":             {500, `{"command_error":"command already exists: x"` + named, nanomdm.Remembers, false},
		"PostgreSQL knows it":              {500, `{"command_error":"pq: duplicate key value violates unique constraint"` + named, nanomdm.Remembers, false},
		"PostgreSQL with delete=1":         {500, `{"command_error":"pq: insert or update violates foreign key constraint"` + named, nanomdm.Forgets, false},
		"MySQL with delete=1":              {500, `{"command_error":"Error 1452: a foreign key constraint fails"` + named, nanomdm.Forgets, false},
		"the file backend writes it again": {200, `{"no_push":true` + named, nanomdm.Forgets, false},
		"another trouble shows nothing":    {500, `{"command_error":"driver: bad connection"` + named, nanomdm.MemoryNotKnown, false},
		"an answer without the command":    {200, `{}`, nanomdm.MemoryNotKnown, false},
		"something else answers":           {502, `bad gateway`, nanomdm.MemoryNotKnown, true},
		"the API key is wrong":             {401, ``, nanomdm.MemoryNotKnown, true},
	} {
		t.Run(what, func(t *testing.T) {
			f := newFake(t)
			f.says(c.status, c.body)
			memory, err := f.server(func(o *nanomdm.Options) { o.Answered = command }).Memory(t.Context())
			assert.Equal(t, c.want, memory)
			assert.Equal(t, c.fails, err != nil, "%v", err)
		})
	}
}

func TestAForgetfulServerIsRefused(t *testing.T) {
	f := newFake(t)
	f.forget = true
	d := f.dispatcher(func(o *nanomdm.Options) { o.Answered = enrollment.WipeCommand("acme", "earlier") })
	_, err := d.Wipe(t.Context(), wipe(), enrollment.PIN{})
	require.ErrorIs(t, err, nanomdm.ErrForgetful)
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Fatal, outcome)
	_, err = d.WipeAbilities(t.Context(), "acme", "old")
	require.ErrorIs(t, err, nanomdm.ErrForgetful)
	assert.NotContains(t, f.commands(), command)
}

// Whether it may be sent through the server is not known while the server does not answer: it waits.
func TestAnUnansweredQuestionHoldsTheWipe(t *testing.T) {
	f := newFake(t)
	f.says(http.StatusBadGateway, "")
	_, err := f.dispatcher(func(o *nanomdm.Options) { o.Answered = command }).Wipe(t.Context(), wipe(), enrollment.PIN{})
	outcome, _ := enrollment.Sent(err)
	assert.Equal(t, enrollment.Retry, outcome)
	require.Len(t, f.enqueued(), 1)
	assert.Contains(t, f.enqueued()[0].path, "memory-check")
}

// A device can answer whatever it likes. What it was never asked proves nothing, or it could stop all wipes.
func TestADeviceCannotTalkAServerDown(t *testing.T) {
	f := newFake(t)
	s := f.server()
	send(t, hook(t, &inbox{}, func(c *nanomdm.WebhookConfig) { c.Server = s }), connect(start, "Acknowledged", enrollment.WipeCommand("acme", "made up")))
	memory, err := s.Memory(t.Context())
	require.NoError(t, err)
	assert.Equal(t, nanomdm.MemoryNotKnown, memory)
	assert.Empty(t, f.requests())
}
