package runner_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
)

// canaries are pieces of the secrets of a world: of every token that was downloaded and every private key that was made.
func canaries(t *testing.T, w *world) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	add := func(name string, secret []byte) {
		found[name] = secret
		found[name+" in hex"] = []byte(hex.EncodeToString(secret))
		found[name+" in base64"] = []byte(base64.StdEncoding.EncodeToString(secret[:len(secret)/3*3]))
	}
	pairs := madePairs.all[:w.maker.next.Load()]
	for i, file := range w.files {
		envelope, err := abmtoken.ReadEnvelope(file)
		require.NoError(t, err)
		token, _, err := envelope.Open(pairs...)
		require.NoError(t, err)
		add(fmt.Sprintf("access token %d", i), []byte(token.AccessToken().Reveal()))
		add(fmt.Sprintf("access secret %d", i), []byte(token.AccessSecret().Reveal()))
		add(fmt.Sprintf("consumer secret %d", i), []byte(token.ConsumerSecret().Reveal()))
	}
	for i, pair := range pairs {
		text := pair.PrivateKeyPEM().Reveal()
		// The first lines of the PEM hold the modulus, which everybody may know.
		add(fmt.Sprintf("PEM of key %d", i), []byte(strings.Split(text, "\n")[15]))
		block, _ := pem.Decode([]byte(text))
		add(fmt.Sprintf("DER of key %d", i), block.Bytes[len(block.Bytes)*2/3:][:48])
	}
	for n := range 9 + w.pushMade + 1 {
		text := string(pushKey(n).RevealPEM())
		add(fmt.Sprintf("PEM of push key %d", n), []byte(strings.Split(text, "\n")[15]))
		block, _ := pem.Decode([]byte(text))
		add(fmt.Sprintf("DER of push key %d", n), block.Bytes[len(block.Bytes)*2/3:][:48])
	}
	return found
}

// sing returns the names of the canaries that are heard in a text.
func sing(canaries map[string][]byte, text []byte) (heard []string) {
	for name, secret := range canaries {
		if bytes.Contains(text, secret) {
			heard = append(heard, name)
		}
	}
	return heard
}

// everythingShown is what a host can get out of a runner, in every form that it may print.
func everythingShown(t *testing.T, w *world) map[string][]byte {
	t.Helper()
	shown := map[string][]byte{"log": w.log.Bytes()}
	show := func(name string, values ...any) {
		for _, v := range values {
			text, err := json.Marshal(v)
			require.NoError(t, err)
			shown[name] = append(shown[name], text...)
			shown[name] = fmt.Appendf(shown[name], "%v %+v %#v", v, v, v)
		}
	}
	for _, err := range w.errs {
		show("errors", err, runner.ProblemOf(err))
		shown["errors"] = fmt.Appendf(shown["errors"], "%s %q", err, err)
	}
	servers, err := w.Servers(ctx(t), runner.ServerQuery{})
	require.NoError(t, err)
	show("servers", servers)
	for _, s := range servers.Servers {
		one, err := w.Tenant(s.Tenant).Server(ctx(t), s.ID)
		require.NoError(t, err)
		show("servers", one, w.Tenant(s.Tenant).Tokens(s.ID))
		renewals, err := w.Tenant(s.Tenant).Renewals(ctx(t), tech, s.ID, runner.Page{})
		require.NoError(t, err)
		show("renewals", renewals)
	}
	pushes, err := w.Pushes(ctx(t), runner.PushQuery{})
	require.NoError(t, err)
	show("pushes", pushes, w.PushSource())
	for _, p := range pushes.Pushes {
		tenant := w.Tenant(p.Tenant)
		renewals, err := tenant.PushRenewals(ctx(t), tech, p.ID, runner.Page{})
		require.NoError(t, err)
		show("pushes", renewals)
		if one, err := tenant.Push(ctx(t)); err == nil {
			cert, err := w.PushSource().Certificate(ctx(t), string(p.Tenant))
			show("pushes", one, err)
			shown["pushes"] = fmt.Appendf(shown["pushes"], "%v %+v %#v", cert, cert, cert)
		}
	}
	shown["requests"] = w.request
	entries, err := w.ExportAudit(ctx(t), 0, storage.MaxPage)
	require.NoError(t, err)
	show("audit", entries)
	stats, err := w.Stats(ctx(t))
	require.NoError(t, err)
	policy, err := w.Policy(ctx(t))
	require.NoError(t, err)
	show("stats and policy", stats, policy)
	show("notices", w.inbox.all())
	shown["runner"] = fmt.Appendf(nil, "%v %+v", w.adoption, w.keys)
	shown["store file"], err = os.ReadFile(w.disk.(*boltFile).path)
	require.NoError(t, err)
	return shown
}

// No secret is seen in any log, error, problem, notice, list, audit entry, nor in the bytes of the store file, whatever was
// done and whatever failed: threat 18 is the stolen file, threat 17 all the rest.
func TestThreat17_NoSecretShowsOfAnyFlow(t *testing.T) {
	t.Parallel()
	for _, f := range flows() {
		t.Run(f.name, func(t *testing.T) {
			w := newWorld(t, newBoltFile(t))
			defer w.disk.shut(t)
			require.NoError(t, w.follow(f.before))
			n := 0
			w.fate = func(crossing) error {
				if n++; n%40 == 0 && n < 400 {
					return errFault
				}
				return nil
			}
			require.NoError(t, w.follow(f.steps))
			w.fate = nil
			secrets := canaries(t, w)
			for where, text := range everythingShown(t, w) {
				assert.Empty(t, sing(secrets, text), "in the %s", where)
			}
		})
	}
}

// The search finds what is there.
func TestCanariesSing(t *testing.T) {
	w := newWorld(t, newBoltFile(t))
	defer w.disk.shut(t)
	require.NoError(t, w.follow([]step{addServer, start, certificate, createService, download, confirmedUpload}))
	secrets := canaries(t, w)
	token, err := w.acme().Tokens(theServer).Token(ctx(t))
	require.NoError(t, err)
	assert.Len(t, sing(secrets, []byte(token.JSON().Reveal())), 3)
	key := madePairs.all[0].PrivateKeyPEM().Reveal()
	assert.Contains(t, sing(secrets, []byte(key)), "PEM of key 0")
	block, _ := pem.Decode([]byte(key))
	assert.Contains(t, sing(secrets, block.Bytes), "DER of key 0")
	require.NoError(t, w.follow([]step{pushImport(0)}))
	pushed, err := w.PushSource().Certificate(ctx(t), "acme")
	require.NoError(t, err)
	assert.Contains(t, sing(secrets, pushed.Key().RevealPEM()), "PEM of push key 0")
	w.log.WriteString(hex.EncodeToString([]byte(token.AccessSecret().Reveal())))
	assert.NotEmpty(t, sing(secrets, everythingShown(t, w)["log"]))
	assert.NotEmpty(t, everythingShown(t, w)["store file"])
}
