package main

import (
	"bytes"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No secret shows without --reveal: not in what commands print, whatever goes wrong, and not in the store's files.
func TestThreat17_NoSecretShows(t *testing.T) {
	w := newWorld(t)
	file, key := w.tokenFor("canary")
	secrets := map[string][]byte{}
	open := w.bare("--json", "token", "inspect", "--reveal", file, "--key", key).ok().object()
	for _, name := range []string{"consumer_secret", "access_token", "access_secret"} {
		secrets[name] = []byte(open[name].(string))
	}
	block, _ := pem.Decode(w.read(key))
	require.NotNil(t, block)
	secrets["private key"] = block.Bytes[len(block.Bytes)/2 : len(block.Bytes)/2+60]
	lines := bytes.Split(w.read(key), []byte("\n"))
	secrets["private key in PEM"] = lines[len(lines)/2]
	w.all.Reset() // what was revealed on request
	account, err := w.apple.AddOrganization("Canary Inc.").AddAdmin("it@canary.example").CreateAPIAccount()
	require.NoError(t, err)
	api, _ := pem.Decode(account.PrivateKey)
	secrets["API key"] = api.Bytes[36:66] // the private number
	secrets["API key in PEM"] = bytes.Split(account.PrivateKey, []byte("\n"))[1]
	apiFile, nano := w.write("api.pem", account.PrivateKey), "nanomdm-canary-key"
	secrets["NanoMDM's key"] = []byte(nano)
	secrets["the webhook's key"] = []byte("hook-canary-key")
	t.Setenv("ABMCTL_NANOMDM_KEY", nano)

	rows := `{"reference": "1", "name": "Canary", "token_file": "` + base64.StdEncoding.EncodeToString(w.read(file)) +
		`", "keys": [{"key": "` + string(bytes.ReplaceAll(w.read(key), []byte("\n"), []byte(`\n`))) + `"}]}`
	w.cli("adopt", w.write("rows.json", []byte(rows))).ok()
	w.cli("--json", "adopt", w.write("broken.json", []byte(rows[:len(rows)-5]))).fails(2)
	w.cli("--json", "adopt", w.write("mixed.json", bytes.ReplaceAll([]byte(rows), []byte("PRIVATE KEY"), []byte("ROTTEN KEY")))).fails(2)
	for _, args := range [][]string{
		{"api-account", "add", "--client-id", account.ClientID, "--key-id", account.KeyID, "--key", apiFile},
		{"api-account", "add", "--client-id", "x", "--key-id", account.KeyID, "--key", apiFile},
		{"api-account", "add", "--client-id", account.ClientID, "--key-id", account.KeyID, "--key", key},
		{"api-account", "show"}, {"api-account", "list", "--all"}, {"api-account", "check", "--axm-url", w.url},
		{"devices", "sync", "Canary", "--axm-url", w.url}, {"devices", "list", "Canary"},
		{"profile", "define", "Canary", apiFile}, {"profile", "show", "Canary"},
		{"run", "--every", "1h", "--listen", "nonsense", "--webhook-key", "hook-canary-key"},
		{"run", "--once", "--nanomdm-url", "http://127.0.0.1:1"}, {"server", "list", "--nanomdm-url", "http://mdm.example.com"},
		{"token", "inspect", file, "--key", key}, {"token", "inspect", key, "--key", key}, {"token", "inspect", key},
		{"server", "list"}, {"server", "show", "Canary"}, {"server", "check", "Canary"}, {"renew", "start", "Canary"},
		{"renew", "upload", "Canary", file}, {"renew", "upload", "Canary", key}, {"renew", "upload", "Canary", w.path("rows.json")},
		{"renew", "show", "Canary"}, {"renew", "certificate", "Canary", "--out", w.path("c.pem")}, {"renew", "certificate", "Canary", "--out", key},
		{"audit", "show", "default"}, {"audit", "checkpoint"}, {"run", "--once"}, {"keys", "rotate"}, {"policy", "show"}, {"advise", "Canary"},
	} {
		w.cli(args...)
		w.cli(append([]string{"--json"}, args...)...)
	}
	printed := w.all.Bytes()
	require.NotEmpty(t, printed)
	for name, secret := range secrets {
		assert.NotContains(t, string(printed), string(secret), "%s was printed", name)
	}
	kept := 0
	for _, pattern := range []string{"store.db*", ".*", "c.pem"} {
		paths, err := filepath.Glob(w.path(pattern))
		require.NoError(t, err)
		for _, path := range paths {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			kept++
			for name, secret := range secrets {
				for form, bytes := range map[string][]byte{
					"as it is": secret, "in base64": []byte(base64.StdEncoding.EncodeToString(secret)),
				} {
					assert.NotContains(t, string(text), string(bytes), "%s stands %s in %s", name, form, path)
				}
			}
		}
	}
	assert.GreaterOrEqual(t, kept, 3)
}
