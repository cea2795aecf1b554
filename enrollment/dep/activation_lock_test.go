package dep_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// escrowKey is the example of Apple's documents.
const escrowKey = "30a3449822ae82b94f1839ee0248a9e2350247d4b325071e6deb84285a6bfb34"

func TestActivationLock(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	serials := w.devices(t, 2)
	w.org.AddDevices(appletest.Device{Serial: "OLD", NoActivationLock: true})
	require.NoError(t, w.admin.Assign(w.service, "OLD"))
	c := w.client(t, dep.Options{})
	lock := func(serial string) error {
		return c.LockActivation(t.Context(), dep.ActivationLock{Serial: serial, EscrowKey: escrowKey, Message: "Call IT"})
	}
	require.NoError(t, lock(serials[0]))
	again := lock(serials[0])
	require.Error(t, again)
	require.ErrorContains(t, again, serials[0]+": Apple answered DEVICE_ALREADY_LOCKED")
	assert.Equal(t, enrollment.Fatal, dep.Outcome(again))
	require.ErrorIs(t, lock("OLD"), dep.ErrNotSupported)
	require.ErrorIs(t, lock("ELSEWHERE"), dep.ErrNotAccessible)
	w.org.DisableActivationLock()
	refused := lock(serials[1])
	require.ErrorIs(t, refused, dep.ErrNotSupported)
	assert.Equal(t, enrollment.Fatal, dep.Outcome(refused))
}

func TestALockThatMayHaveHappenedIsUnknown(t *testing.T) {
	for _, body := range []string{`{}`, `{"serial_number":"B","response_status":"SUCCESS"}`, `{"serial_number":"A"}`, `<html>`} {
		err := answering(t, text(200, body), dep.Options{}).LockActivation(t.Context(), dep.ActivationLock{Serial: "A"})
		require.ErrorIs(t, err, dep.ErrUnknown, body)
	}
}

// A bypass code in the place of its hash would hand the code to Apple and lock the device to something else.
func TestOnlyAHashIsAnEscrowKey(t *testing.T) {
	w := newWorld(t, appletest.Options{})
	c := w.client(t, dep.Options{})
	for _, key := range []string{"0123H-4567J-89AB-CDEF-GHJK-LMNP", escrowKey[:63], escrowKey + "0", strings.Repeat("g", 64)} {
		err := c.LockActivation(t.Context(), dep.ActivationLock{Serial: "A", EscrowKey: key})
		require.ErrorIs(t, err, dep.ErrInput, key)
		assert.NotContains(t, err.Error(), key)
	}
	require.ErrorIs(t, c.LockActivation(t.Context(), dep.ActivationLock{}), dep.ErrInput)
	assert.Empty(t, w.apple.Requests())
}

func TestAnEscrowKeyIsNotPrinted(t *testing.T) {
	lock := dep.ActivationLock{Serial: "A", EscrowKey: escrowKey}
	err := answering(t, text(400, "no "+escrowKey), dep.Options{}).LockActivation(t.Context(), lock)
	for _, printed := range []string{fmt.Sprint(lock), fmt.Sprintf("%+v %#v %q", lock, lock, lock), fmt.Sprintf("%v", &lock), err.Error()} {
		assert.NotContains(t, printed, escrowKey[:16])
	}
}
