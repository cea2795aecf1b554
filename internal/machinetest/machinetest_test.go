package machinetest_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

const day = 24 * time.Hour

func explore(f fault) (machinetest.Explored, error) {
	return toyMachine(f).Explore(machinetest.Exploration[toy, toyEvent]{
		Start: []machinetest.Row[toy]{{At: noon, S: newToy()}}, Events: toyEvents(), Jumps: []time.Duration{time.Hour, 31 * day}, Most: 200,
	})
}

func run(f fault, outcome enrollment.Outcome) (machinetest.Ended[toy], error) {
	m := toyMachine(f)
	begun, err := m.Step(newToy(), noon, toyEvent{kind: "go"})
	if err != nil {
		return machinetest.Ended[toy]{}, err
	}
	return m.Run(begun.Next, noon, machinetest.World[toy, toyEvent]{
		Answer: func(_ toy, x enrollment.Effect, _ time.Time) toyEvent {
			return toyEvent{kind: "result", effect: x.ID, outcome: outcome}
		},
		Tick: toyEvent{kind: "tick"}, Steps: 2000, For: 3000 * day,
	})
}

func crash(f fault) (int, error) {
	return toyMachine(f).CrashEverywhere(machinetest.Story[toy, toyEvent]{
		Start: newToy(), At: noon, Tick: toyEvent{kind: "tick"},
		Acts: []machinetest.Act[toy, toyEvent]{
			{Event: toyEvents()[0]}, {Wait: day, Event: toyEvents()[3]},
		},
		Do: func(_ toy, x enrollment.Effect, _ time.Time) toyEvent {
			outcome := enrollment.OK
			if x.Attempt < 2 {
				outcome = enrollment.Retry
			}
			return toyEvent{kind: "result", effect: x.ID, outcome: outcome}
		},
	})
}

func TestASoundMachinePasses(t *testing.T) {
	seen, err := explore(sound)
	require.NoError(t, err)
	assert.True(t, seen.Complete)
	assert.Equal(t, []string{"done", "waiting", "working"}, []string{
		keyOf(seen.States, "done"), keyOf(seen.States, "waiting"), keyOf(seen.States, "working"),
	})
	for _, outcome := range []enrollment.Outcome{enrollment.OK, enrollment.Retry, enrollment.Fatal, enrollment.Unknown} {
		ended, err := run(sound, outcome)
		require.NoError(t, err)
		assert.True(t, ended.Rests)
	}
	points, err := crash(sound)
	require.NoError(t, err)
	assert.Equal(t, 10, points, "three writes and two effects, before and after each")
}

func keyOf(states map[string]int, name string) string {
	if states[name] > 0 {
		return name
	}
	return ""
}

// Every check bites: each planted mistake is found by one of them.
func TestEveryMistakeIsFound(t *testing.T) {
	for _, c := range []struct {
		planted fault
		by      func(fault) error
		want    string
	}{
		{refusesFact, explored, "a fact is refused"},
		{stuck, explored, "no wake time"},
		{owesAtRest, explored, "a resting machine owes make_key"},
		{twice, explored, "make_key is wanted twice"},
		{newID, explored, "something else the second time"},
		{notRepeatable, explored, "something else the second time"},
		{changesInput, explored, "changed the snapshot that it came from"},
		{sneaks, explored, "nothing moved, but the snapshot changed"},
		{sameRevision, explored, "from revision 0 to 0"},
		{noWayOut, explored, "no event leads from here to rest"},
		{endless, func(f fault) error { _, err := run(f, enrollment.Retry); return err }, "it is still working"},
		{spins, func(f fault) error { _, err := run(f, enrollment.Retry); return err }, "has nothing to do"},
		{forgets, explored, "a stored snapshot reads otherwise"},
		{newID, func(f fault) error { _, err := crash(f); return err }, "instead of"},
		{deaf, func(f fault) error { _, err := crash(f); return err }, "it still has something to do"},
	} {
		t.Run(string(c.planted), func(t *testing.T) {
			require.ErrorContains(t, c.by(c.planted), c.want)
		})
	}
}

func explored(f fault) error { _, err := explore(f); return err }

// Two steps from one snapshot that append to the same memory are found, although each is right when it is looked at alone.
func TestStepsThatShareMemoryAreFound(t *testing.T) {
	working := newToy()
	working.State = "working"
	for range 3 {
		working.Seq++
		working.Pending = append(working.Pending, enrollment.Effect{ID: enrollment.NewEffectID("toy", working.Seq, enrollment.MakeKey)})
	}
	rows := []machinetest.Row[toy]{{Name: "working", At: noon, S: working}}
	var more []machinetest.Event[toy, toyEvent]
	for _, kind := range []string{"more", "still more"} {
		more = append(more, machinetest.Event[toy, toyEvent]{Name: kind, Of: func(toy, time.Time) toyEvent { return toyEvent{kind: kind} }})
	}
	require.NoError(t, toyMachine(sound).Apart(rows, more))
	require.ErrorContains(t, toyMachine(sharesTail).Apart(rows, more), "was changed by another step")
}

// A refusal or a stale result shows in the matrix, cell by cell.
func TestMatrixShowsEveryCell(t *testing.T) {
	working, err := toyMachine(sound).Step(newToy(), noon, toyEvent{kind: "go"})
	require.NoError(t, err)
	rows := []machinetest.Row[toy]{
		{Name: "waiting", At: noon, S: newToy()},
		{Name: "working: just begun", At: noon, S: working.Next},
	}
	cells, err := toyMachine(sound).Matrix(rows, toyEvents())
	require.NoError(t, err)
	assert.Equal(t, `waiting
  go             -> working +make_key
  ignored: result: *; tick

working: just begun
  go             REFUSED refused: wait
  result: ok     -> done -make_key
  result: retry  stays ~make_key
  ignored: tick
`, machinetest.Text(cells))
	assert.Equal(t, `| event | waiting | working |
|---|---|---|
| go | → working | refused |
| result | - | → done, stays |
| tick | - | - |
`, machinetest.Table(cells))
	assert.Equal(t, "```mermaid\nstateDiagram-v2\n    [*] --> waiting\n    waiting --> working: go\n    working --> done: result\n    done --> [*]\n```\n",
		machinetest.Diagram(cells, []string{"waiting"}, []string{"done"}))

	cells, err = toyMachine(stale).Matrix(rows, toyEvents())
	require.NoError(t, err)
	assert.Contains(t, machinetest.Text(cells), "result: ok     -> done")
	_, err = toyMachine(sound).Matrix([]machinetest.Row[toy]{{Name: "done", S: newToy()}}, nil)
	require.ErrorContains(t, err, "is in state waiting")
}

func TestScriptKeepsCommentsAndRenewsAnswers(t *testing.T) {
	said := 0
	got, err := machinetest.Play("# a story\nfirst a=1\nsecond\n----\nold answer\n\nthird\n", func(c machinetest.Command) (string, error) {
		said++
		return c.Name + c.Value("a", "?"), nil
	})
	require.NoError(t, err)
	assert.Equal(t, "# a story\nfirst a=1\nsecond\n----\nfirst1\nsecond?\n\nthird\n----\nthird?\n", got)
	assert.Equal(t, 3, said)
	again, err := machinetest.Play(got, func(c machinetest.Command) (string, error) { return c.Name + c.Value("a", "?"), nil })
	require.NoError(t, err)
	assert.Equal(t, got, again, "an up-to-date script stays as it is")
}
