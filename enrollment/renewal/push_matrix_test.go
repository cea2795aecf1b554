package renewal_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

func pushCells(t *testing.T) []machinetest.Cell {
	t.Helper()
	cells, err := pushes().Matrix(pushShapes(t), pushEvents())
	require.NoError(t, err)
	return cells
}

// Every state, in every shape, times every way in which something can happen. A reader checks each line against the rules.
func TestMatrixOfPushRenewal(t *testing.T) {
	cells := pushCells(t)
	machinetest.Golden(t, "testdata/matrix/push.txt", machinetest.Text(cells))
	for _, state := range renewal.PushStates() {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.State() == string(state) }), "no row of %s", state)
	}
	shared := []renewal.PushEvent{
		renewal.StartRequested{}, renewal.KeyMade{}, renewal.UploadRefused{}, renewal.RecheckRequested{}, renewal.CancelRequested{},
		renewal.Notified{},
	}
	names := machinetest.EventNames(t, "push_event.go")
	for _, ev := range shared {
		names = append(names, string(ev.Name()))
	}
	for _, name := range names {
		assert.True(t, slices.ContainsFunc(cells, func(c machinetest.Cell) bool { return c.EventName() == name }), "no column of %s", name)
	}
}

// A good certificate is taken in every state, and no other one in any.
func TestPushCertificatesAreTakenInEveryState(t *testing.T) {
	taken := map[string]bool{}
	for _, c := range pushCells(t) {
		if c.EventName() != string(renewal.EventCertificateUploaded) || c.Row == "probing: the one in use is not proven" {
			continue
		}
		switch c.Event {
		case "upload_certificate: renewed again":
			assert.Equal(t, machinetest.Moves, c.Verdict, c.Row)
			assert.Equal(t, string(renewal.PushProbing), c.To, c.Row)
			taken[c.State()] = true
		case "upload_certificate: of a lost key", "upload_certificate: without a topic", "upload_certificate: expired":
			assert.Equal(t, c.From, c.To, "%s, %s", c.Row, c.Event)
			assert.Contains(t, c.Text, "answers ", "%s, %s", c.Row, c.Event)
		}
	}
	assert.Len(t, taken, len(renewal.PushStates()))
}

// A certificate of another topic is refused in every state, and the person reads both topics and how many devices it costs.
func TestPain24_AnotherTopicIsRefusedWithWhatItWouldCost(t *testing.T) {
	for _, row := range pushShapes(t) {
		if row.S.Push.Certificate == nil {
			continue
		}
		for name, deaf := range map[string]string{
			"upload_certificate: created instead of renewed": "120", "upload_certificate: created, devices unknown": "all",
		} {
			tr, err := row.S.Run.Step(policy, row.At, pushEventOf(t, name).Of(row.S, row.At))
			require.NoError(t, err)
			require.NotNil(t, tr.Refused, row.Name)
			assert.Equal(t, enrollment.NewProblem(enrollment.CodePushOtherTopic, "new", otherTopic, "devices", deaf, "old", ourTopic), tr.Refused)
			assert.Contains(t, tr.Refused.Next, "choose Renew")
			assert.Equal(t, row.S.Run.State, tr.Renewal.State, row.Name)
			assert.Nil(t, tr.Activate)
			assert.Equal(t, candidateOf(row.S.Run), candidateOf(tr.Renewal), "nothing of the file is kept")
		}
	}
}

// The key is in the store before its request can leave: there is nothing to lose at the portal.
func TestTheRequestLeavesOnlyWhenItsKeyIsStored(t *testing.T) {
	for _, row := range pushShapes(t) {
		_, err := row.S.Run.Step(policy, row.At, renewal.RequestTaken{By: tess})
		assert.Equal(t, row.S.Run.Live() && row.S.Run.Key != nil, err == nil, row.Name)
	}
}
