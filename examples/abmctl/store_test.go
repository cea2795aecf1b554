package main

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage/bolt"
)

func TestStoreInUse(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM")
	held, err := bolt.Open(w.path("store.db"), bolt.Options{})
	require.NoError(t, err)
	got := acme.json("server", "show", acme.server).fails(1)
	assert.Equal(t, "store_locked", got.code())
	assert.Equal(t, acme.server, got.get("id"))
	require.NoError(t, held.Close())
	acme.json("server", "show", acme.server).ok()
}

func TestStoreTruncated(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM")
	whole := w.read(w.path("store.db"))
	for _, left := range []int{20000, 5000, 1, 0} {
		w.write("store.db", whole[:left])
		got := acme.json("server", "show", acme.server).fails(1)
		assert.Equal(t, "store_damaged", got.code(), "%d bytes left", left)
		assert.Len(t, w.read(w.path("store.db")), left, "nothing writes to it")
		acme.json("server", "add", "More").fails(1)
	}
	w.write("store.db", []byte("this is a letter, and no store"))
	assert.Equal(t, "store_damaged", acme.json("server", "list").fails(1).code())
	w.write("store.db", whole)
	acme.json("server", "show", acme.server).ok()
}

// Another keyring, or none, beside a store that has records: nothing is made, nothing is changed.
func TestStoreOfAnotherKeyring(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	other := w.path("other.keyring")
	w.bare("--store", w.path("other.db"), "--keyring", other, "server", "add", "Other").ok()
	before := w.read(w.path("store.db"))

	for _, command := range [][]string{{"server", "show", acme.server}, {"server", "add", "More"}, {"keys", "rotate"}, {"run", "--once"}} {
		got := acme.json(append([]string{"--keyring", other}, command...)...).fails(1)
		assert.Equal(t, "wrong_keyring", got.code(), "%v", command)
		assert.Contains(t, got.err, "keyring")
		gone := acme.json(append([]string{"--keyring", w.path("gone.keyring")}, command...)...).fails(1)
		assert.Equal(t, "wrong_keyring", gone.code(), "%v", command)
		assert.NoFileExists(t, w.path("gone.keyring"), "never beside a store that has records")
	}
	assert.Equal(t, before, w.read(w.path("store.db")))
	acme.json("server", "show", acme.server).ok()
}

func TestFilesOpenToOthers(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM")
	for _, name := range []string{"store.db", "store.db.keyring"} {
		info, err := os.Stat(w.path(name))
		require.NoError(t, err)
		assert.EqualValues(t, 0o600, info.Mode().Perm(), name)
		require.NoError(t, os.Chmod(w.path(name), 0o644))
		assert.Contains(t, acme.cli("server", "list").fails(1).err, "chmod 600", name)
		require.NoError(t, os.Chmod(w.path(name), 0o600))
	}
	w.write("store.db.keyring", []byte("not a keyring"))
	assert.Equal(t, "key_unavailable", acme.json("server", "list").fails(1).code())
}

// A mistyped --store makes no new file, unless the command is one that begins a store.
func TestNoStoreYet(t *testing.T) {
	w := newWorld(t)
	assert.Equal(t, "[]\n", w.cli("--json", "server", "list").ok().out)
	assert.Contains(t, w.cli("server", "list").ok().err, "no store file")
	assert.Equal(t, "not_found", w.cli("--json", "server", "show", "x").fails(1).code())
	w.cli("run", "--once").ok()
	assert.NoFileExists(t, w.path("store.db"))
	assert.NoFileExists(t, w.path("store.db.keyring"))
	w.bare("--store", w.path("no/such/folder/store.db"), "server", "add", "x").fails(1)
}

// Whoever names the wrong file must not read that its audit is in order.
func TestAuditOfNoStore(t *testing.T) {
	w := newWorld(t)
	for _, command := range []string{"verify", "checkpoint"} {
		got := w.cli("--json", "audit", command).fails(1)
		assert.Equal(t, "not_found", got.code())
		assert.Contains(t, got.err, "store.db")
	}
	w.cli("server", "list").ok()
}
