package migration

import (
	"fmt"

	"github.com/abmrenew/abmrenew/enrollment"
)

// TransitionError says that what a person asked is not possible in the machine's present state; nothing changed. It
// unwraps to an [*enrollment.Problem] that tells them what is.
type TransitionError struct {
	State   string
	Event   EventName
	Problem *enrollment.Problem
}

// Error says what was refused, and why.
func (e *TransitionError) Error() string {
	return fmt.Sprintf("%s is refused in state %s: %v", e.Event, e.State, e.Problem)
}

// Unwrap returns the problem.
func (e *TransitionError) Unwrap() error { return e.Problem }

func refuse(state string, by EventName, next string) error {
	return refuseWith(state, by, enrollment.NewProblem(enrollment.CodeRefused, "state", state, "next", next))
}

func refuseWith(state string, by EventName, problem *enrollment.Problem) error {
	return &TransitionError{State: state, Event: by, Problem: problem}
}
