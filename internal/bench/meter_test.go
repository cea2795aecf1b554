package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hands is a clock that moves only when something is done.
type hands struct{ now time.Duration }

func (h *hands) clock() time.Duration { return h.now }

// takes is a subject that takes so long each time, or longer and longer.
func (h *hands) takes(name string, took, more time.Duration, done *[]string) subject {
	return subject{name: name, do: func(context.Context) error {
		*done = append(*done, name)
		h.now += took
		took += more
		return nil
	}}
}

func TestSubjectsHaveTheirTurnsSideBySide(t *testing.T) {
	var h hands
	var done []string
	m := meter{clock: h.clock, rounds: 3, slice: 2, budget: time.Hour}
	samples, err := m.inTurn(t.Context(), h.takes("a", 2, 0, &done), h.takes("b", 3, 0, &done))
	require.NoError(t, err)
	assert.Equal(t, []sample{{2, 2, 2}, {3, 3, 3}}, samples)
	assert.Equal(t, []string{"a", "b", "a", "b", "b", "a", "a", "b"}, done, "one try each, then each round in the other order")
}

func TestAShortThingIsDoneOftenInATurn(t *testing.T) {
	var h hands
	var done []string
	m := meter{clock: h.clock, rounds: 1, slice: 100, budget: time.Hour}
	samples, err := m.inTurn(t.Context(), h.takes("a", 30, 0, &done))
	require.NoError(t, err)
	assert.Equal(t, []sample{{30}}, samples)
	assert.Len(t, done, 1+2+4+4, "tries of once, twice, four times, then the round")
}

func TestWhatIsDoneManyTimesInOneCallIsDivided(t *testing.T) {
	var h hands
	var done []string
	s := h.takes("a", 64, 0, &done)
	s.each = 64
	samples, err := meter{clock: h.clock, rounds: 1}.inTurn(t.Context(), s)
	require.NoError(t, err)
	assert.Equal(t, []sample{{1}}, samples)
}

func TestRoundsEndWithTheBudgetButNotBeforeAFew(t *testing.T) {
	for budget, rounds := range map[time.Duration]int{0: fewRounds, 70: 7, 1000: 20} {
		var h hands
		var done []string
		m := meter{clock: h.clock, rounds: 20, slice: 1, budget: budget}
		samples, err := m.inTurn(t.Context(), h.takes("a", 10, 0, &done))
		require.NoError(t, err)
		assert.Len(t, samples[0], rounds, "budget %d", budget)
	}
}

func TestAnErrorEndsTheMeasuring(t *testing.T) {
	var h hands
	broken := errors.New("broken")
	fails := subject{name: "a", do: func(context.Context) error { return broken }}
	_, err := meter{clock: h.clock, rounds: 1}.measure(t.Context(), figure{name: "the figure", ours: fails})
	require.ErrorIs(t, err, broken)
	require.ErrorContains(t, err, "the figure: a: ")
	_, err = meter{}.measure(t.Context(), figure{ours: fails, count: true})
	require.ErrorIs(t, err, broken)
}

func TestMedian(t *testing.T) {
	assert.InDelta(t, 2, sample{9, 1, 2}.median(), 0)
	assert.InDelta(t, 3, sample{9, 1, 2, 4}.median(), 0)
	assert.InDelta(t, 7, sample{7}.median(), 0)
}

// A slow machine slows both sides of a round: the ratio stays.
func TestRatiosAreOfTheSameRound(t *testing.T) {
	var h hands
	var done []string
	m := meter{clock: h.clock, rounds: 5, budget: time.Hour}
	r, err := m.measure(t.Context(), figure{ours: h.takes("a", 10, 10, &done), other: h.takes("b", 20, 20, &done)})
	require.NoError(t, err)
	assert.InDelta(t, 0.5, r.typical, 1e-9)

	// One round of a is quick by itself, as if the machine had been busy in all others.
	r, err = m.measure(t.Context(), figure{ours: h.takes("a", 30, -5, &done), other: h.takes("b", 20, 0, &done)})
	require.NoError(t, err)
	assert.InDelta(t, 15.0/20, r.typical, 1e-9, "the middle one of 25, 20, 15, 10, 5 beside 20")
	assert.InDelta(t, 5.0/20, r.ratio, 1e-9, "of the fastest rounds")
	assert.InDelta(t, 5, r.mine, 0)
	assert.InDelta(t, 20, r.theirs, 0)
}

var sink [][]byte

func TestAllocationsAreCounted(t *testing.T) {
	allocates := func(n int) subject {
		return subject{do: func(context.Context) error {
			sink = nil
			for range n {
				sink = append(sink, nil)
				sink[0] = make([]byte, 100)
				sink = sink[:0]
			}
			return nil
		}}
	}
	r, err := meter{}.measure(t.Context(), figure{ours: allocates(10), other: allocates(100), count: true})
	require.NoError(t, err)
	assert.InDelta(t, 11, r.mine, 2)
	assert.InDelta(t, 101, r.theirs, 5)
	assert.InDelta(t, 0.11, r.ratio, 0.03)
}
