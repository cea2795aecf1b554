package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest/fleet"
)

// witness stands between the host and its MDM, looks at every wipe that passes, and remembers what should not have been.
type witness struct {
	fleet.Ports
	stage *stage

	mu       sync.Mutex
	listed   map[string]bool     // what the present plan has, by serial number
	commands map[string][]string // that left for it, by serial number
	ever     map[string]bool     // which devices got a wipe, by whatever plan
	at       []time.Time         // when wipes left
	cooled   time.Time           // the end of the present plan's cooling period; zero: it is not approved
	halted   bool                // no wipe may leave now
	wrong    []string
	kill     func(serial string) // ends the host once a wipe has left; nil: nobody does
}

// Wipe implements [enrollment.WipeDispatcher].
func (w *witness) Wipe(ctx context.Context, order enrollment.Wipe, pin enrollment.PIN) (enrollment.WipeStatus, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	serial := order.Device.Serial
	standing, _ := w.stage.org.Standing(serial)
	now := w.stage.calendar.Now()
	for _, c := range []struct {
		broken bool
		why    string
	}{
		{!w.listed[serial], "the plan does not have it"},
		{standing.Service != w.stage.to, "Apple does not say that it belongs to its new service"},
		{standing.URL() != w.stage.new.URL(), "at Apple it does not have the profile of its new service"},
		{w.halted, "the kill switch is thrown"},
		{w.cooled.IsZero() || now.Before(w.cooled), "its plan is not approved, or cools down"},
		{w.spent(now), "the budget is spent"},
		{len(w.commands[serial]) > 0, "its plan had sent one before"},
		{w.stage.world.Device(serial).Erases() > 0, "it was erased before"},
	} {
		if c.broken {
			w.wrong = append(w.wrong, fmt.Sprintf("%s was sent a wipe although %s", serial, c.why))
		}
	}
	if !slices.Contains(w.commands[serial], order.Command) {
		w.commands[serial] = append(w.commands[serial], order.Command)
		w.ever[serial] = true
		w.at = append(w.at, now)
	}
	status, err := w.Ports.Wipe(ctx, order, pin)
	if kill := w.kill; kill != nil && err == nil {
		w.kill = nil
		kill(serial)
		return enrollment.WipeStatus{}, errors.New("the program died before it heard the answer")
	}
	return status, err
}

// spent says whether as many wipes have left as the rules of this story allow.
func (w *witness) spent(now time.Time) bool {
	for _, b := range enrollment.DefaultPolicy().Wipes.Budget {
		since := slices.IndexFunc(w.at, func(at time.Time) bool { return now.Sub(at) < b.In })
		if since >= 0 && len(w.at)-since >= b.Most {
			return true
		}
	}
	return false
}

// expects takes another plan's devices for those that may be wiped from now on.
func (w *witness) expects(serials []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.listed, w.commands, w.cooled = map[string]bool{}, map[string][]string{}, time.Time{}
	for _, serial := range serials {
		w.listed[serial] = true
	}
}

// sent is how many devices of the present plan got a wipe.
func (w *witness) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.commands)
}

// approved takes note of the end of a cooling period.
func (w *witness) approved(cooled time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cooled = cooled
}

// halt says whether wipes may leave from now on.
func (w *witness) halt(halted bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halted = halted
}
