package seal_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// Who knows the storage package only, such as a runner, recognizes a foreign keyring by its sentinel.
func TestWrongKeyringIsWrongKeys(t *testing.T) {
	assert.ErrorIs(t, seal.ErrWrongKeyring, storage.ErrWrongKeys)
}
