package runner_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

func TestProblemOf(t *testing.T) {
	assert.Nil(t, runner.ProblemOf(nil))
	for err, code := range map[error]enrollment.Code{
		storage.ErrFull:              enrollment.CodeStoreFull,
		storage.ErrWrongKeys:         enrollment.CodeWrongKeyring,
		abmtoken.ErrUnknownRecipient: enrollment.CodeNoKeyFits,
		abmtoken.ErrTooLarge:         enrollment.CodeTooLarge,
		&abmtoken.NotServerTokenError{Kind: abmtoken.FileZip}: enrollment.CodeNotServerToken,
		enrollment.NewProblem(enrollment.CodeRetired):         enrollment.CodeRetired,
		context.Canceled:       enrollment.CodeInternal,
		errors.New("no route"): enrollment.CodeStoreFailed,
	} {
		p := runner.ProblemOf(fmt.Errorf("doing it: %w", err))
		assert.Equal(t, code, p.Code, "%v", err)
	}
}
