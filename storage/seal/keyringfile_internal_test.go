package seal

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// The other process made the file after this one had seen that there was none.
func TestAKeyringFileThatAppearsMeanwhileIsNotReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyring.json")
	require.NoError(t, createKeyring(path, []masterKey{randomMasterKey()}))
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	require.ErrorIs(t, createKeyring(path, []masterKey{randomMasterKey()}), fs.ErrExist)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)
	names, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, names, 1, "no temporary file is left")
}
