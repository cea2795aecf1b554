package hold_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/internal/hold"
)

func TestAWaitEndsAtItsTimeAndWhenTheClockIsSetBack(t *testing.T) {
	now := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	var h hold.Hold
	for at, want := range map[time.Duration]time.Duration{
		0: 0, time.Hour: 0,
	} {
		wait, _ := h.Left(now.Add(at))
		assert.Equal(t, want, wait, "nobody asked to wait")
	}
	h.Begin(429, time.Minute, now)
	for at, want := range map[time.Duration]time.Duration{
		-1: 0, 0: time.Minute, 59 * time.Second: time.Second, time.Minute: 0, time.Hour: 0,
	} {
		wait, status := h.Left(now.Add(at))
		assert.Equal(t, want, wait, at)
		if want > 0 {
			assert.Equal(t, 429, status)
		}
	}
}
