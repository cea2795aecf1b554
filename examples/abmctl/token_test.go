package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

// keys makes a key pair with the program and lets Apple make a token for it.
func (w *world) tokenFor(name string) (file, key string) {
	w.t.Helper()
	w.bare("token", "keygen", "--name", name, "--out", w.dir).ok()
	admin := w.apple.AddOrganization(name + " Inc.").AddAdmin("it@" + name + ".example")
	service, err := admin.CreateService(name, w.read(w.path(name+".pem")))
	require.NoError(w.t, err)
	text, _, err := admin.DownloadToken(service)
	require.NoError(w.t, err)
	return w.write(name+".p7m", text), w.path(name + ".key.pem")
}

func TestKeygen(t *testing.T) {
	w := newWorld(t)
	out := filepath.Join(w.dir, "new", "folder")
	made := w.bare("--json", "token", "keygen", "--name", "Acme MDM", "--out", out).ok()
	assert.Equal(t, "Acme MDM", made.get("id"))
	assert.Equal(t, filepath.Join(out, "Acme MDM.key.pem"), made.get("key_file"))
	info, err := os.Stat(made.get("key_file"))
	require.NoError(t, err)
	assert.EqualValues(t, 0o600, info.Mode().Perm())
	key, cert := w.read(made.get("key_file")), w.read(made.get("certificate_file"))
	assert.Contains(t, string(key), "PRIVATE KEY")
	assert.True(t, strings.HasPrefix(string(cert), "-----BEGIN CERTIFICATE-----"))

	again := w.bare("--json", "token", "keygen", "--name", "Acme MDM", "--out", out).fails(8)
	assert.Equal(t, "refused", again.code())
	assert.Equal(t, key, w.read(made.get("key_file")), "never overwritten")
	require.NoError(t, os.Remove(made.get("certificate_file")))
	w.bare("token", "keygen", "--name", "Acme MDM", "--out", out).fails(8)
	assert.Equal(t, key, w.read(made.get("key_file")), "not even where its certificate is gone")

	for _, name := range []string{"../evil", ".hidden", "", "a\nb", strings.Repeat("x", 65)} {
		w.bare("token", "keygen", "--name", name, "--out", out).fails(2)
	}
	w.bare("token", "keygen", "--name", "big", "--bits", "3072", "--out", out).ok()
	w.bare("token", "keygen", "--name", "small", "--bits", "1024", "--out", out).fails(2)
}

// Pain 8: a key pair of another system, here a key alone and in any order, opens the token.
func TestInspect(t *testing.T) {
	w := newWorld(t)
	other := w.path("other.key.pem")
	w.bare("token", "keygen", "--name", "other", "--out", w.dir).ok()
	file, key := w.tokenFor("acme")

	seen := w.bare("--json", "token", "inspect", file, "--key", other, "--key", key).ok()
	fields := seen.object()
	var names []string
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	assert.Equal(t, []string{
		"access_token_expiry", "cipher", "consumer_key", "days_left", "health", "id", "key_file", "key_transport", "recipient",
	}, names, "and no secret")
	assert.Equal(t, file, fields["id"])
	assert.Equal(t, key, fields["key_file"])
	assert.Equal(t, "aes128-cbc", fields["cipher"])
	assert.Equal(t, "rsaes-pkcs1-v1_5", fields["key_transport"])
	assert.Equal(t, "active", fields["health"])
	assert.EqualValues(t, 364, fields["days_left"])
	assert.True(t, strings.HasPrefix(seen.get("consumer_key"), "CK_"))
	_, err := time.Parse(time.RFC3339, seen.get("access_token_expiry"))
	require.NoError(t, err)
	to := fields["recipient"].(map[string]any)
	assert.Contains(t, to["issuer"], "acme")
	assert.NotEmpty(t, to["serial"])

	text := w.bare("token", "inspect", file, "--key", key).ok().out
	assert.Contains(t, text, "364 days left, active")
	assert.NotContains(t, text, "AS_")

	open := w.bare("--json", "token", "inspect", "--reveal", file, "--key", key).ok()
	for name, prefix := range map[string]string{"consumer_secret": "CS_", "access_token": "AT_", "access_secret": "AS_"} {
		assert.True(t, strings.HasPrefix(open.get(name), prefix), name)
	}
	assert.NoFileExists(t, w.path("store.db"), "no store is needed")
	assert.NoFileExists(t, "abmrenew.db")
}

func TestInspectRefuses(t *testing.T) {
	w := newWorld(t)
	file, key := w.tokenFor("acme")
	_, foreign := w.tokenFor("foreign")

	shut := w.bare("--json", "token", "inspect", file, "--key", foreign).fails(4)
	assert.Equal(t, "no_key_fits", shut.code())
	assert.Equal(t, file, shut.get("id"))
	assert.Equal(t, "aes128-cbc", shut.get("cipher"), "what can be seen without a key is shown")
	assert.Contains(t, w.bare("token", "inspect", file).fails(4).err, "--key KEY.pem")

	w.pass(366 * 24 * time.Hour)
	old := w.bare("--json", "token", "inspect", file, "--key", key).fails(3)
	assert.Equal(t, "token_expired", old.code())
	assert.Equal(t, "expired", old.get("health"))
	assert.Negative(t, old.object()["days_left"])

	w.bare("token", "inspect", w.path("gone.p7m"), "--key", key).fails(2)
	w.bare("token", "inspect", file, "--key", w.path("gone.pem")).fails(2)
	w.bare("token", "inspect", file, "--key", w.path("acme.pem")).fails(2)
	w.bare("token", "inspect", w.dir, "--key", key).fails(2)
}

// Every other file is named for what it is.
func TestInspectNamesWrongFiles(t *testing.T) {
	w := newWorld(t)
	file, key := w.tokenFor("acme")
	whole := w.read(file)
	for _, c := range wrongFiles(w, whole) {
		got := w.bare("--json", "token", "inspect", w.write("wrong", c.text), "--key", key).fails(5)
		assert.Contains(t, []string{"not_server_token", "file_too_large", "unsupported_file", "bad_content"}, got.code(), c.name)
		assert.Contains(t, got.err, c.says, c.name)
	}
}

type wrongFile struct {
	name string
	text []byte
	says string
}

// wrongFiles are what people upload instead of a token.
func wrongFiles(w *world, token []byte) []wrongFile {
	w.t.Helper()
	return []wrongFile{
		{"nothing", nil, "empty file"},
		{"content token", []byte("eyJleHBEYXRlIjoiMjAyNy0wMS0wMVQwMDowMDowMCswMDAwIiwidG9rZW4iOiJhYmMiLCJvcmdOYW1lIjoiQWNtZSJ9"), "content token"},
		{"certificate", w.read(w.path("acme.pem")), "certificate"},
		{"private key", w.read(w.path("acme.key.pem")), "private key"},
		{"web page", []byte("<!DOCTYPE html><html><body>Sign in</body></html>"), "web page"},
		{"zip", []byte("PK\x03\x04\x14\x00\x00\x00\x08\x00archive"), "zip archive"},
		{"half a download", token[:len(token)/2], "truncated download"},
		{"too large", make([]byte, 300<<10), "too large"},
	}
}

func TestInspectReadsEveryForm(t *testing.T) {
	w := newWorld(t)
	for _, form := range []appletest.TokenFormat{
		{Cipher: appletest.TripleDES}, {Cipher: appletest.AES256, LF: true}, {Sample: true}, {DER: true},
	} {
		w.apple.Change(func(b *appletest.Behavior) { b.Token = form })
		dir := t.TempDir()
		w.dir = dir
		file, key := w.tokenFor("acme")
		assert.Equal(t, "active", w.bare("--json", "token", "inspect", file, "--key", key).ok().get("health"))
	}
}
