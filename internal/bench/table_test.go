package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	something = func(context.Context) error { return nil }
	peer      = subject{name: "peer", do: something}
)

func results() []measured {
	return []measured{
		{figure: figure{name: "quick", other: peer, goal: goal{most: 1.1}}, mine: 1050, theirs: 1000, ratio: 1.05, typical: 1.04},
		{figure: figure{name: "slow", other: peer, goal: goal{most: 1, below: true}}, mine: 1.5e6, theirs: 1e6, ratio: 1.5, typical: 1.5},
		{figure: figure{name: "few objects", other: peer, goal: goal{most: 0.5, below: true}, count: true}, mine: 50, theirs: 154, ratio: 0.3247},
		{figure: figure{name: "a step", goal: goal{most: 500, below: true}}, mine: 612},
		{figure: figure{name: "just to know"}, mine: 41e6},
	}
}

func TestFiguresInATable(t *testing.T) {
	assert.Equal(t, `
| figure       | ours    | beside        | ratio        | goal         |            |
| ------------ | ------- | ------------- | ------------ | ------------ | ---------- |
| quick        | 1.05 µs | peer: 1.00 µs | 1.050 (1.04) | at most 1.10 | met        |
| slow         | 1.50 ms | peer: 1.00 ms | 1.500 (1.50) | below 1.00   | **MISSED** |
| few objects  | 50      | peer: 154     | 0.325        | below 0.50   | met        |
| a step       | 612 ns  |               |              | below 500 ns | **MISSED** |
| just to know | 41.0 ms |               |              |              |            |
`, "\n"+figureTable(results()))
}

func TestMissedGoalsAreSaidLoudly(t *testing.T) {
	assert.Equal(t, "\n**2 of 4 goals MISSED**: slow; a step.\n", verdict(results()))
	assert.Equal(t, "\nAll 1 goals are met.\n", verdict(results()[:1]))
}

func TestGoals(t *testing.T) {
	for _, c := range []struct {
		goal  goal
		value float64
		met   bool
	}{
		{goal{most: 1.1}, 1.1, true},
		{goal{most: 1.1}, 1.1001, false},
		{goal{most: 1, below: true}, 1, false},
		{goal{most: 1, below: true}, 0.9999, true},
	} {
		ratio := measured{figure: figure{goal: c.goal, other: peer}, ratio: c.value, mine: 1e9, typical: 1e9}
		assert.Equal(t, c.met, !ratio.missed(), "%+v", c)
		time := measured{figure: figure{goal: c.goal}, mine: c.value}
		assert.Equal(t, c.met, !time.missed(), "%+v", c)
	}
	assert.False(t, measured{mine: 1e12}.missed(), "there is no goal")
}

func TestPartsInATable(t *testing.T) {
	s := split{partRead: 10 * time.Microsecond, partAccount: 990 * time.Microsecond}
	text := partTable(s)
	assert.Contains(t, text, "| Read the file: S/MIME, base64, BER                 | 10.0 µs | 1.0 %   |\n")
	assert.Contains(t, text, "| Ask the fake Apple: session and /account           | 990 µs  | 99.0 %  |\n")
	assert.Contains(t, text, "| **all of it**                                      | 1.00 ms | 100.0 % |\n")
	for _, name := range partNames {
		assert.Contains(t, text, "| "+name)
	}
	assert.Contains(t, partTable(split{}), "0.0 %")
}

func TestDurationsHaveThreeDigits(t *testing.T) {
	for ns, want := range map[float64]string{
		0: "0.00 ns", 9.994: "9.99 ns", 9.996: "10.0 ns", 99.94: "99.9 ns", 99.96: "100 ns", 999: "999 ns", 999.9: "1.00 µs",
		12_345: "12.3 µs", 2e6: "2.00 ms", 3.5e9: "3.50 s",
	} {
		assert.Equal(t, want, duration(ns))
	}
}

func TestFiguresGoBetweenTheMarks(t *testing.T) {
	document := "# x\n<!-- figures -->\nold\n<!-- /figures -->\nrest\n"
	updated, err := replaceFigures(document, "", "new\n")
	require.NoError(t, err)
	assert.Equal(t, "# x\n<!-- figures -->\nnew\n<!-- /figures -->\nrest\n", updated)
	again, err := replaceFigures(updated, "", "new\n")
	require.NoError(t, err)
	assert.Equal(t, updated, again)

	for _, without := range []string{"", "<!-- figures -->\n", "<!-- /figures -->\n<!-- figures -->\n"} {
		_, err := replaceFigures(without, "", "new\n")
		require.ErrorContains(t, err, "<!-- figures -->", "%q", without)
	}
}
