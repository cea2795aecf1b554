//go:build unix

package seal_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage/seal"
)

func TestAKeyringFileIsItsOwnersOnly(t *testing.T) {
	path := keyringPath(t)
	k := openKeyring(t, path, true)
	requireMode(t, path, 0o600)
	require.NoError(t, k.Rotate())
	requireMode(t, path, 0o600)
}

func TestAKeyringFileThatOthersMayReadIsRefused(t *testing.T) {
	path := keyringPath(t)
	openKeyring(t, path, true)
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o777} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := seal.OpenKeyring(path, true)
		require.ErrorIs(t, err, seal.ErrExposed)
		require.ErrorContains(t, err, "chmod 600 "+path, "it says what to do")
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		require.NoError(t, os.Chmod(path, mode))
		openKeyring(t, path, false)
	}
}

func TestAKeyringBehindASymbolicLinkStaysThere(t *testing.T) {
	path := keyringPath(t)
	openKeyring(t, path, true)
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(path, link))
	k := openKeyring(t, link, false)
	require.NoError(t, k.Rotate())
	assert.Equal(t, k.IDs(), openKeyring(t, path, false).IDs())
	info, err := os.Lstat(link)
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&fs.ModeSymlink)
}

func requireMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, want, info.Mode().Perm())
}
