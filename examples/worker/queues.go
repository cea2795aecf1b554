package main

import (
	"fmt"
	"slices"

	"github.com/abmrenew/abmrenew/enrollment/runner"
)

// The queues. What renews credentials has slots of its own, so that a fleet on the move never takes them.
const (
	queueSweeps      = "sweeps"
	queueCredentials = "credentials"
	queueDevices     = "devices"
)

// queueOf is where jobs for a kind of records wait.
func queueOf(kind string) string {
	switch kind {
	case runner.KindPlan, runner.KindWave, runner.KindBatch, runner.KindMove:
		return queueDevices
	}
	return queueCredentials
}

// validQueues refuses what no job would ever wait in.
func validQueues(slots map[string]int) error {
	if len(slots) == 0 {
		return fmt.Errorf("--queues names none: give %s=2, %s=4 or both", queueCredentials, queueDevices)
	}
	for name, n := range slots {
		if !slices.Contains([]string{queueCredentials, queueDevices}, name) || n < 1 || n > 100 {
			return fmt.Errorf("--queues %s=%d: the queues are %s and %s, with 1 to 100 slots", name, n, queueCredentials, queueDevices)
		}
	}
	return nil
}
