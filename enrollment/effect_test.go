package enrollment_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
)

var t0 = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// The form is part of what stores hold and other systems remember.
func TestEffectIDIsTheSameOnEveryMachine(t *testing.T) {
	require.Equal(t, enrollment.EffectID("rnw_01/3/verify_token"), enrollment.NewEffectID("rnw_01", 3, enrollment.VerifyToken))
}

func TestEffectIDsDiffer(t *testing.T) {
	kinds := []enrollment.EffectKind{
		enrollment.CheckPush, enrollment.MakeKey, enrollment.VerifyToken, enrollment.ProbeToken, enrollment.SendNotice,
		enrollment.MakePushKey, enrollment.ProbePush,
	}
	seen := map[enrollment.EffectID]bool{}
	for _, machine := range []string{"rnw_1", "rnw_11", "srv_1"} {
		for n := range 20 {
			for _, kind := range kinds {
				seen[enrollment.NewEffectID(machine, n, kind)] = true
			}
		}
	}
	require.Len(t, seen, 3*20*len(kinds))
}

func TestEffectIsDueFromItsInstantOn(t *testing.T) {
	e := enrollment.Effect{NotBefore: t0}
	assert.False(t, e.Due(t0.Add(-time.Microsecond)))
	assert.True(t, e.Due(t0))
	assert.True(t, e.Due(t0.Add(time.Microsecond)))
	assert.True(t, enrollment.Effect{}.Due(t0), "no instant: at once")
}

func TestBackoffDoubles(t *testing.T) {
	for n, want := range map[int]time.Duration{
		-1: time.Minute, 0: time.Minute, 1: time.Minute, 2: 2 * time.Minute, 3: 4 * time.Minute, 6: 32 * time.Minute,
		7: time.Hour, 8: time.Hour, 1000: time.Hour, math.MaxInt: time.Hour,
	} {
		assert.Equal(t, want, enrollment.Backoff(n, time.Minute, time.Hour), n)
	}
	assert.Equal(t, time.Hour, enrollment.Backoff(1, 2*time.Hour, time.Hour), "never over the most, the first wait neither")
	assert.Equal(t, time.Duration(math.MaxInt64), enrollment.Backoff(80, 1, math.MaxInt64), "it does not overflow")
	assert.Zero(t, enrollment.Backoff(5, 0, time.Hour))
}

func TestBackoffIsBoundedAndGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "base"))
		most := time.Duration(rapid.Int64Range(int64(base), math.MaxInt64).Draw(t, "most"))
		n := rapid.IntRange(1, 200).Draw(t, "failures")
		now, next := enrollment.Backoff(n, base, most), enrollment.Backoff(n+1, base, most)
		require.GreaterOrEqual(t, now, base)
		require.LessOrEqual(t, now, most)
		require.GreaterOrEqual(t, next, now)
		require.True(t, next == most || next == 2*now, "%v after %v", next, now)
	})
}

func TestSpreadDependsOnTheSeedAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed, width := rapid.String().Draw(t, "seed"), time.Duration(rapid.Int64Range(1, math.MaxInt64).Draw(t, "width"))
		got := enrollment.Spread(seed, width)
		require.Equal(t, got, enrollment.Spread(seed, width))
		require.GreaterOrEqual(t, got, time.Duration(0))
		require.Less(t, got, width)
		require.Zero(t, got%time.Microsecond, "stores keep time by the microsecond")
	})
	for i := range 5000 {
		assert.Zero(t, enrollment.Spread(fmt.Sprint(i), time.Microsecond), "the width itself is out of reach")
	}
	assert.Zero(t, enrollment.Spread("x", 0))
	assert.Zero(t, enrollment.Spread("x", -time.Hour))
}

// A thousand machines that were adopted in one minute do not ask Apple in one minute.
func TestSpreadFillsItsWidth(t *testing.T) {
	const machines, slots = 1000, 24
	var hours [slots]int
	for i := range machines {
		hours[enrollment.Spread(fmt.Sprintf("srv_%d", i), slots*time.Hour)/time.Hour]++
	}
	for hour, n := range hours {
		assert.InDelta(t, machines/slots, n, 30, "hour %d of %v", hour, hours)
	}
}

func TestAgainIsTheSameEffectLater(t *testing.T) {
	first := enrollment.Effect{ID: "srv_1/7/probe_token", Kind: enrollment.ProbeToken, Attempt: 1, NotBefore: t0, Secret: "sec_1"}
	second := first.Again(t0, 0, time.Minute, time.Hour)
	require.Equal(t, first.ID, second.ID, "the idempotency key outlives every attempt")
	require.Equal(t, 2, second.Attempt)
	require.Equal(t, "sec_1", second.Secret)
	require.Equal(t, second, first.Again(t0, 0, time.Minute, time.Hour), "deterministic")
	require.Equal(t, 1, first.Attempt, "the effect itself is a value")

	late := enrollment.Effect{ID: first.ID, Attempt: 30}
	wait, later := late, late.Again(t0, 0, time.Minute, time.Hour)
	wait.Attempt++
	require.NotEqual(t, later.NotBefore, wait.Again(t0, 0, time.Minute, time.Hour).NotBefore, "each attempt has its own jitter")
	wait = late
	wait.ID += "x"
	require.NotEqual(t, later.NotBefore, wait.Again(t0, 0, time.Minute, time.Hour).NotBefore, "and each effect")
}

func TestAgainWaitsAtLeastAsLongAsAsked(t *testing.T) {
	e := enrollment.Effect{ID: "srv_1/7/probe_token", Attempt: 1}
	for _, c := range []struct {
		after, most, want time.Duration
		why               string
	}{
		{10 * time.Minute, time.Hour, 10 * time.Minute, "what the world asked for"},
		{24 * time.Hour, time.Hour, 24 * time.Hour, "a day is believed"},
		{1000 * time.Hour, time.Hour, 24 * time.Hour, "a week is not: the server may have meant another year"},
	} {
		assert.Equal(t, t0.Add(c.want), e.Again(t0, c.after, time.Minute, c.most).NotBefore, c.why)
	}
	late := enrollment.Effect{ID: "srv_1/7/probe_token", Attempt: 20}
	assert.Greater(t, late.Again(t0, 30*24*time.Hour, 10*24*time.Hour, 10*24*time.Hour).NotBefore, t0.Add(10*24*time.Hour),
		"to be asked for patience never shortens a wait")
}

func TestAgainIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := enrollment.Effect{ID: enrollment.EffectID(rapid.String().Draw(t, "id")), Attempt: rapid.IntRange(1, 1<<20).Draw(t, "attempt")}
		base := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "base"))
		most := time.Duration(rapid.Int64Range(int64(base), int64(31*24*time.Hour)).Draw(t, "most"))
		after := time.Duration(rapid.Int64().Draw(t, "after"))
		wait := e.Again(t0, after, base, most).NotBefore.Sub(t0)
		backoff := enrollment.Backoff(e.Attempt, base, most)
		require.GreaterOrEqual(t, wait, backoff.Truncate(time.Microsecond))
		require.LessOrEqual(t, wait, max(most+most/4, 24*time.Hour))
		require.Zero(t, wait%time.Microsecond)
	})
}
