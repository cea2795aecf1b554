package enrollment_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// tellingError is an error that a host's own code wrote, with what nobody else should read.
type tellingError struct{ canary string }

func (e tellingError) Error() string { return "could not send " + e.canary }

const canary = "CANARY-9f2c"

func TestProblemIsAnError(t *testing.T) {
	var err error = enrollment.NewProblem(enrollment.CodeNotFound, "what", "server").Because(fs.ErrNotExist)
	err = fmt.Errorf("somewhere deeper: %w", err)

	require.EqualError(t, errors.Unwrap(err), "There is no such server here. Check the ID; it must belong to this tenant")
	require.ErrorIs(t, err, &enrollment.Problem{Code: enrollment.CodeNotFound})
	require.ErrorIs(t, err, fs.ErrNotExist, "the cause can still be asked for")
	require.NotErrorIs(t, err, &enrollment.Problem{Code: enrollment.CodeConflict})
	require.NotErrorIs(t, err, (*enrollment.Problem)(nil), "a nil problem is compared without a panic")
	require.NotErrorIs(t, err, fs.ErrClosed)

	var p *enrollment.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, map[string]string{"what": "server"}, p.Args)
}

func TestTitleThatEndsWithANamesOwnDot(t *testing.T) {
	terms := enrollment.NewProblem(enrollment.CodeTermsPending, "organization", "Acme Inc.")
	require.Contains(t, terms.Error(), "accepted for Acme Inc. An administrator", "one full stop ends the sentence")
}

func TestProblemWithoutNextStepSaysItsTitle(t *testing.T) {
	require.EqualError(t, &enrollment.Problem{Title: "It broke"}, "It broke")
}

func TestProblemOf(t *testing.T) {
	require.Nil(t, enrollment.ProblemOf(nil))

	inner := enrollment.NewProblem(enrollment.CodeRetired)
	require.Same(t, inner, enrollment.ProblemOf(fmt.Errorf("while renewing: %w", errors.Join(fs.ErrClosed, inner))))

	foreign := enrollment.ProblemOf(fs.ErrClosed)
	require.Equal(t, enrollment.CodeInternal, foreign.Code)
	require.ErrorIs(t, foreign, fs.ErrClosed)
}

// A problem is stored, sent and logged; its cause is for the process that met it.
func TestACauseIsNeitherPrintedNorStored(t *testing.T) {
	p := enrollment.NewProblem(enrollment.CodeUnreachable, "reason", "").Because(tellingError{canary})
	stored, err := json.Marshal(p)
	require.NoError(t, err)

	var log bytes.Buffer
	for _, l := range []*slog.Logger{slog.New(slog.NewTextHandler(&log, nil)), slog.New(slog.NewJSONHandler(&log, nil))} {
		l.Error("failed", "problem", p)
	}
	for name, text := range map[string]string{
		"JSON": string(stored), "log": log.String(), "%v": fmt.Sprintf("%v", p), "%+v": fmt.Sprintf("%+v", p), "%q": fmt.Sprintf("%q", p),
	} {
		assert.NotEmpty(t, text, name)
		assert.NotContains(t, text, canary, name)
	}
}

func TestProblemSurvivesItsJSON(t *testing.T) {
	for _, code := range enrollment.Codes() {
		var args []string
		for _, name := range code.Args() {
			args = append(args, name, `a "value" of `+name)
		}
		p := enrollment.NewProblem(code, args...)
		text, err := json.Marshal(p)
		require.NoError(t, err)
		var again enrollment.Problem
		require.NoError(t, json.Unmarshal(text, &again))
		require.Equal(t, *p, again)
	}
}

// The field names are part of what hosts store and scripts read.
func TestProblemInJSON(t *testing.T) {
	text, err := json.Marshal(enrollment.NewProblem(enrollment.CodeTermsPending, "organization", "Acme"))
	require.NoError(t, err)
	require.JSONEq(t, `{"code":"terms_pending","title":"Apple waits until new terms are accepted for Acme",
		"next":"An administrator of that organization signs in at the portal and accepts the terms; the check goes on by itself, or at once with a recheck",
		"args":{"organization":"Acme"},"retry":true}`, string(text))
}
