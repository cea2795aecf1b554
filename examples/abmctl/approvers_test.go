package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/hiddeco/sshsig"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
)

// signer is a person's SSH key.
type signer struct{ ssh.Signer }

func newSigner(t *testing.T, private any) signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return signer{s}
}

func ed25519Key(t *testing.T) signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return newSigner(t, private)
}

// line is the person's line among the approvers.
func (s signer) line(name string) string {
	return name + " " + string(ssh.MarshalAuthorizedKey(s.PublicKey()))
}

func (s signer) sign(t *testing.T, text, namespace string) []byte {
	t.Helper()
	signed, err := sshsig.Sign(strings.NewReader(text), s.Signer, sshsig.HashSHA512, namespace)
	require.NoError(t, err)
	return sshsig.Armor(signed)
}

// textOf is what a person would sign.
func (w *world) textOf(name, id string) string {
	w.t.Helper()
	return w.as(name, "approval", "text", id).ok().get("text")
}

// Threat 13: where approvers are named, an approval counts only with a signature by a key of that very person, over that very
// text, for this purpose; whoever sits at the keyboard cannot make one up.
func TestThreat13_ApprovalsBySignature(t *testing.T) {
	w := newWorld(t)
	bob, cleo, mallory := ed25519Key(t), ed25519Key(t), ed25519Key(t)
	file := w.write("approvers", []byte("# who may\n\n"+bob.line("bob")+cleo.line(`"cleo"`)))
	id := w.as("tess", "policy", "set", "--cooling", "30m").proposed()
	other := w.as("tess", "policy", "set", "--cooling", "20m").proposed()
	approve := func(name string, more ...string) result {
		return w.as(name, append([]string{"--approvers", file, "proposal", "approve", id}, more...)...)
	}
	text := w.textOf("bob", id)
	assert.Equal(t, text, w.cli("--actor", "bob", "approval", "text", id).ok().out, "exactly that, on standard output")
	assert.Contains(t, text, "subject: "+id)
	files := 0
	signed := func(by signer, text, namespace string) string {
		files++
		return w.write(strconv.Itoa(files)+".sig", by.sign(t, text, namespace))
	}
	assert.Contains(t, approve("bob").fails(8).err, "there is no signature")
	for name, c := range map[string]struct {
		actor, file, says string
	}{
		"another's key":       {"bob", signed(mallory, text, "abmrenew"), "not one of bob"},
		"under another's key": {"bob", signed(cleo, text, "abmrenew"), "not one of bob"},
		"another's words":     {"bob", signed(bob, w.textOf("cleo", id), "abmrenew"), "not one of bob"},
		"another proposal":    {"bob", signed(bob, w.textOf("bob", other), "abmrenew"), "not one of bob"},
		"another tenant's":    {"bob", signed(bob, strings.Replace(text, "tenant default", "tenant acme", 1), "abmrenew"), "not one of bob"},
		"another purpose":     {"bob", signed(bob, text, "file"), "not one of bob"},
		"no approver":         {"mallory", signed(mallory, w.textOf("mallory", id), "abmrenew"), "not among the approvers"},
		"no signature":        {"bob", w.write("junk", []byte("yes")), "no signature of ssh-keygen"},
	} {
		got := approve(c.actor, "--signature", c.file)
		assert.Equal(t, "refused", got.fails(8).code(), name)
		assert.Contains(t, got.err, c.says, name)
		assert.Contains(t, got.err, "approval text", name)
	}
	assert.Empty(t, w.as("tess", "proposal", "list").objects()[0]["approvals"])
	assert.Equal(t, "approved", approve("bob", "--signature", signed(bob, text, "abmrenew")).ok().get("state"))
	approve("bob", "--signature", w.path("gone")).fails(2)
}

// Every kind of key that ssh-keygen makes today will do.
func TestKindsOfKeys(t *testing.T) {
	w := newWorld(t)
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	factored, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	for i, key := range []any{private, curve, factored} {
		by := newSigner(t, key)
		file := w.write("approvers", []byte(by.line("bob")))
		id := w.as("tess", "policy", "set", "--cooling", []string{"50m", "40m", "30m"}[i]).proposed()
		word := w.write("word.sig", by.sign(t, w.textOf("bob", id), "abmrenew"))
		assert.Equal(t, "approved", w.as("bob", "--approvers", file, "proposal", "approve", id, "--signature", word).ok().get("state"), "%T", key)
	}
}

// The real ssh-keygen signs what the command prints.
func TestApprovalByTheRealSSHKeygen(t *testing.T) {
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		require.Empty(t, os.Getenv("CI"), "ssh-keygen is missing; install openssh-client")
		t.Skip("ssh-keygen is missing; install openssh-client")
	}
	w := newWorld(t)
	tool := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), keygen, args...).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	tool("-q", "-t", "ed25519", "-N", "", "-C", "bob@example.com", "-f", w.path("id"))
	file := w.write("approvers", append([]byte(`bob namespaces="git,abmrenew" `), w.read(w.path("id.pub"))...))
	id := w.as("tess", "policy", "set", "--cooling", "30m").proposed()
	word := w.write("word.txt", []byte(w.cli("--actor", "bob", "approval", "text", id).ok().out))
	tool("-q", "-Y", "sign", "-n", "abmrenew", "-f", w.path("id"), word)
	got := w.as("bob", "--approvers", file, "proposal", "approve", id, "--signature", word+".sig")
	assert.Equal(t, "approved", got.ok().get("state"))
}

// A file of approvers that would let one person be two, or says what is not understood, is refused as a whole.
func TestFilesOfApprovers(t *testing.T) {
	bob, cleo := ed25519Key(t), ed25519Key(t)
	key := strings.TrimSpace(strings.TrimPrefix(bob.line("bob"), "bob "))
	for name, c := range map[string]struct{ text, says string }{
		"empty":              {"", "names nobody"},
		"comments only":      {"# nobody\n", "names nobody"},
		"for git only":       {`bob namespaces="git" ` + key, "names nobody"},
		"a pattern":          {"*@example.com " + key, "without patterns"},
		"two names":          {"bob,cleo " + key, "without patterns"},
		"anybody but":        {"!eve " + key, "without patterns"},
		"a shared key":       {bob.line("bob") + bob.line("cleo"), "bob and cleo have the same key"},
		"an authority":       {"bob cert-authority " + key, "cert-authority"},
		"an unknown option":  {`bob no-pty ` + key, "no-pty"},
		"no key":             {"bob", "NAME [OPTIONS] KEY"},
		"a broken key":       {"bob ssh-ed25519 AAAA", "no public key"},
		"a private key":      {"-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n", "no public key"},
		"a time of nonsense": {`bob valid-before="soon" ` + key, "a time is written"},
		"an open quotation":  {`"bob ` + key, "NAME [OPTIONS] KEY"},
	} {
		_, err := parseApprovers([]byte(c.text))
		require.ErrorContains(t, err, c.says, name)
	}
	w := newWorld(t)
	bad := w.cli("--json", "--approvers", w.write("approvers", []byte(bob.line("bob")+bob.line("cleo"))), "proposal", "list").fails(2)
	assert.Equal(t, "invalid_input", bad.code())
	assert.Contains(t, bad.err, "line 2")
	w.cli("--approvers", w.path("gone"), "proposal", "list").fails(2)

	all, err := parseApprovers([]byte(bob.line("bob") + "\r\n" + cleo.line("cleo") + ed25519Key(t).line("bob")))
	require.NoError(t, err)
	assert.Len(t, all, 3, "a person may have several keys")
}

// A key counts in its time only.
func TestTimesOfApprovers(t *testing.T) {
	w := newWorld(t) // in November 2026
	bob := ed25519Key(t)
	id := w.as("tess", "policy", "set", "--cooling", "30m").proposed()
	word := w.write("word.sig", bob.sign(t, w.textOf("bob", id), "abmrenew"))
	key := bytes.TrimPrefix([]byte(bob.line("")), []byte(" "))
	try := func(options string) int {
		file := w.write("approvers", append([]byte("bob "+options+" "), key...))
		return w.as("bob", "--approvers", file, "proposal", "approve", id, "--signature", word).status
	}
	assert.Equal(t, 8, try(`valid-before="20261101Z"`), "left")
	assert.Equal(t, 8, try(`valid-after="202612010000Z"`), "has not begun")
	assert.Equal(t, 0, try(`valid-after="20261101Z",valid-before="20261231235959Z"`))
}
