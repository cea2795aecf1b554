package seal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/abmrenew/abmrenew/storage"
)

// ErrExposed says that others than its owner may read or change the keyring file.
var ErrExposed = errors.New("seal: the keyring file is open to other users")

const maxKeyringFile = 64 << 10

// keyringFile is the JSON of a keyring file.
type keyringFile struct {
	Schema int            `json:"schema"`
	Keys   []keyringEntry `json:"keys"` // the current one first
}

type keyringEntry struct {
	ID  string `json:"id"`
	Key string `json:"key"` // 32 bytes in base64
}

// OpenKeyring opens the keyring file at path. If there is none it makes one, readable by its owner only, where create
// is set, and else fails with an error that matches [fs.ErrNotExist]. A file that its group or others may read or
// change is refused with [ErrExposed] (not on Windows, where its access list must do).
//
// To create a keyring only beside an empty store, see [OpenKeyringFor].
func OpenKeyring(path string, create bool) (*Keyring, error) {
	keys, err := readKeyring(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		// Linked into place, so that of two processes which start together one makes the file and both use it.
		err = createKeyring(path, []masterKey{randomMasterKey()})
		if err == nil || errors.Is(err, fs.ErrExist) {
			keys, err = readKeyring(path)
		}
	}
	if err != nil {
		return nil, err
	}
	return &Keyring{path: path, keys: keys}, nil
}

// OpenKeyringFor opens the keyring file of a store. It makes the file on first use, but never beside a store in which
// something is sealed already: there the error matches [ErrWrongKeyring].
func OpenKeyringFor(ctx context.Context, path string, store storage.Store) (*Keyring, error) {
	k, err := OpenKeyring(path, false)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, err
	}
	empty, err := Empty(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("looking whether a keyring may be made: %w", err)
	}
	if !empty {
		// Another process may have made both meanwhile: the keyring comes before what is sealed with it.
		k, err := OpenKeyring(path, false)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: there is no keyring file at %s", ErrWrongKeyring, path)
		}
		return k, err
	}
	return OpenKeyring(path, true)
}

func readKeyring(path string) ([]masterKey, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("opening the keyring: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("opening the keyring: %w: %s is no regular file", storage.ErrInvalid, path)
	}
	if open := info.Mode().Perm() & 0o077; open != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%w: %s has mode %04o; close it with: chmod 600 %s (and rotate the master key, "+
			"if somebody may have read it)", ErrExposed, path, info.Mode().Perm(), path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyringFile+1))
	if err != nil {
		return nil, fmt.Errorf("reading the keyring: %w", err)
	}
	defer clear(data)
	keys, why := decodeKeyring(data)
	if why != "" {
		return nil, fmt.Errorf("%w: the keyring %s %s; restore it from its backup", storage.ErrDamaged, path, why)
	}
	return keys, nil
}

// decodeKeyring says in words, which contain nothing of the file, what is wrong with it.
func decodeKeyring(data []byte) (keys []masterKey, why string) {
	var file keyringFile
	if len(data) > maxKeyringFile {
		return nil, "is too large"
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, "is no JSON of a keyring"
	}
	if file.Schema != 1 {
		return nil, fmt.Sprintf("has schema %d, which this version does not know", file.Schema)
	}
	if len(file.Keys) == 0 || len(file.Keys) > maxMasters {
		return nil, fmt.Sprintf("has %d keys", len(file.Keys))
	}
	for i, e := range file.Keys {
		key, err := base64.StdEncoding.DecodeString(e.Key)
		if err != nil || len(key) != keySize {
			return nil, fmt.Sprintf("has a key at place %d that is not 32 bytes in base64", i+1)
		}
		k := newMasterKey(key)
		if k.id != e.ID {
			return nil, fmt.Sprintf("has a key at place %d that does not fit its ID", i+1)
		}
		keys = append(keys, k)
	}
	return keys, ""
}

func encodeKeyring(keys []masterKey) ([]byte, error) {
	file := keyringFile{Schema: 1}
	for _, k := range keys {
		file.Keys = append(file.Keys, keyringEntry{ID: k.id, Key: base64.StdEncoding.EncodeToString(k.key)})
	}
	data, err := json.MarshalIndent(file, "", "  ")
	return append(data, '\n'), err
}

// writeKeyring replaces the file: whatever happens meanwhile, it holds either the old keys or the new ones.
func writeKeyring(path string, keys []masterKey) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("writing the keyring: %w", err)
	}
	return placeKeyring(real, keys, os.Rename)
}

// createKeyring fails with fs.ErrExist if there is a file already.
func createKeyring(path string, keys []masterKey) error {
	return placeKeyring(path, keys, os.Link)
}

func placeKeyring(path string, keys []masterKey, place func(from, to string) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("writing the keyring: %w", err)
		}
	}()
	data, err := encodeKeyring(keys)
	if err != nil {
		return err
	}
	defer clear(data)
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, ".keyring-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}
