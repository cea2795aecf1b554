package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/appletest"
	"github.com/abmrenew/abmrenew/storage"
)

// technical are words that a technician need not know.
var technical = []string{"asn1", "pkcs", "cms", "envelope", "recipientinfo", "json:", "nil", "%!", "abmtoken", "storage:", "enrollment", "{", "}"}

// Every kind of bad input, in one table: its exit status, words that a technician understands, what to do next, and not one
// byte of secrets, keys and owners that is not what it was.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	w.bare("token", "keygen", "--name", "acme", "--out", w.dir).ok()
	acme := w.newCustomer("acme", "Acme MDM")
	older := acme.download("older.p7m")
	w.pass(time.Hour)
	acme = acme.withToken()
	foreign := w.newCustomer("beta", "Beta MDM").withToken().download("beta.p7m")
	school := acme.addServer("Acme School").withToken().download("school.p7m")
	cases := []struct {
		name, file string
		status     int
		says, next string
	}{
		{"older", older, 7, "older than another one", "find the newest file"},
		{"of another server", school, 6, "for the server Acme School", "Upload it there"},
		{"of another tenant", foreign, 4, "No key of this server opens the file", "Replace Certificate"},
		{"missing", w.path("gone.p7m"), 2, "cannot be read", "Check its name"},
		{"folder", w.dir, 2, "cannot be read", "Check its name"},
	}
	for _, c := range append(wrongFiles(w, w.read(w.path("first.p7m"))),
		wrongFile{"push certificate", []byte(pushCertificate), "push certificate"},
		wrongFile{"signed message", []byte("MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nMIIB\r\n"), "signed message"},
	) {
		next := "ownload" // the token
		switch c.name {
		case "too large":
			next = "Upload the .p7m file"
		case "push certificate":
			next = "push certificate renewal"
		}
		cases = append(cases, struct {
			name, file string
			status     int
			says, next string
		}{c.name, w.write(strings.ReplaceAll(c.name, " ", "-"), c.text), 5, c.says, next})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			before := w.sealed()
			acme.untouched(func() {
				got := acme.json("renew", "upload", acme.server, c.file).fails(c.status)
				title, next, found := strings.Cut(got.err, "  next: ")
				require.True(t, found)
				assert.Contains(t, title, c.says)
				assert.Contains(t, next, c.next)
				for _, word := range technical {
					assert.NotContains(t, strings.ToLower(got.err), word)
				}
				assert.NotContains(t, got.object(), "renewal", "none is begun")
			})
			assert.Equal(t, before, w.sealed(), "nothing is added either")
		})
		w.pass(time.Minute)
	}
	acme.json("audit", "verify").ok()
	acme.json("renew", "upload", acme.server, acme.download("good.p7m")).ok()
}

// Self-signed, with a topic as push certificates have.
const pushCertificate = `-----BEGIN CERTIFICATE-----
MIIDfzCCAmegAwIBAgIUWS9+1Nxq31n5BJCF+abZedWiXBIwDQYJKoZIhvcNAQEL
BQAwTzE1MDMGCgmSJomT8ixkAQEMJWNvbS5hcHBsZS5tZ210LkV4dGVybmFsLjEx
MTExMTExLTIyMjIxFjAUBgNVBAMMDUFQU1A6MTExMTExMTEwHhcNMjYxMTI1MDMy
MzExWhcNMzYxMTIyMDMyMzExWjBPMTUwMwYKCZImiZPyLGQBAQwlY29tLmFwcGxl
Lm1nbXQuRXh0ZXJuYWwuMTExMTExMTEtMjIyMjEWMBQGA1UEAwwNQVBTUDoxMTEx
MTExMTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAO8P9J9QoyWUMhQ4
SKgcHv9mouwfvAzcq0FWU4Zo8qnJlr6DGQQlGIHwzJSkmqkMR5KJDmT8yflnWSbG
v17bfHX8ulwxcEU50YP8jeb7S7MXD9sDKkyScHOyVg7LOWuFmoE4OeGOOTO3AkTE
1daX7z4/n9td9NhLN9GWVm8b//IKbHRI5HkWby6Kz9DZO2rWui4V4Fj8UrD+D+UV
bbiPpwYo5juCGiEYrlnFWuCxM/6W74MXn7E+iIKtfFEX3UJ+nHrHlM1/Bkyy/wjY
Uf6fZTtoIwiK+r20yrq/+ObplcqsY+4q9WFhy75pn3q6e3/e97vRqLiAoLWlSDoB
4Kmgv30CAwEAAaNTMFEwHQYDVR0OBBYEFHjrq2Y/pp0X6YE2R9DJFD3meDLBMB8G
A1UdIwQYMBaAFHjrq2Y/pp0X6YE2R9DJFD3meDLBMA8GA1UdEwEB/wQFMAMBAf8w
DQYJKoZIhvcNAQELBQADggEBAGzyFHtNsPh0VaiU/OexFCXrvrMb0qH6gRvkeaYq
5F3wWD+Hd/VTcMHkNvODrt62mj276Crg6CrsZjAMtFN+sqpYb3GDAkB2AJUpPJhH
YMe4pxZXS+qnMf9E9/cax7wq4EdsUmwmOgKiSIezzEm08Y6R5cxLl/jJCZfXMMG2
0yHtg+t3n1hSk1h0s/yCHjJ754N1xOjW/7Zxkrb9fGejw7Qnqiq3yFfyGQY/e4BT
TLjVUjaVZTw6uUz9hOrYAsFd5doVfntHwknOjtd1kWZnFdtiK+BreB3Y/GQrlVdE
BLufCLJF+W9ucaKVTHC+yww3AJ+BU45URqdBRLUMoWAOdJc=
-----END CERTIFICATE-----
`

// What cannot be judged now is kept, beside everything that was there; what Apple refused changes nothing of that either.
func TestBadAnswersOfApple(t *testing.T) {
	for name, c := range map[string]struct {
		fault  appletest.Fault
		status int
		code   string
		says   string
	}{
		"rejected":       {appletest.Fault{Kind: appletest.Status, Status: 401, Code: "token_rejected"}, 9, "token_rejected", "(token_rejected)"},
		"access":         {appletest.Denied(""), 9, "access_denied", "(ACCESS_DENIED)"},
		"terms":          {appletest.Fault{Kind: appletest.Status, Status: 403, Code: "T_C_NOT_SIGNED"}, 9, "terms_pending", "Acme MDM Inc."},
		"down":           {appletest.Fault{Kind: appletest.Down}, 10, "apple_unreachable", "no answer to GET /session"},
		"wrong agent":    {appletest.Fault{Kind: appletest.Status, Status: 400, Code: "USER_AGENT_INVALID"}, 10, "apple_unreachable", "USER_AGENT_INVALID"},
		"not even JSON":  {appletest.Fault{Kind: appletest.Garbage}, 10, "apple_unreachable", "no usable answer"},
		"an hour's wait": {appletest.Throttled(time.Hour), 10, "apple_unreachable", "HTTP 429"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			acme := w.newCustomer("default", "Acme MDM").withToken()
			file := acme.download("new.p7m")
			end := w.apple.Fail(c.fault)
			acme.untouched(func() {
				got := acme.json("renew", "upload", acme.server, file).fails(c.status)
				assert.Equal(t, c.code, got.code())
				assert.Contains(t, got.err, c.says)
				checked := acme.json("server", "check", acme.server)
				assert.Contains(t, checked.err, c.says, "the check says why, too")
				assert.NotZero(t, checked.status)
			})
			tokens := 0
			for key := range w.sealed() {
				if key.Kind == storage.KindSecret && strings.Contains(key.ID, "/token/") {
					tokens++
				}
			}
			assert.Equal(t, 2, tokens, "the one in use, and the file that may be the only living one")
			end()
			w.pass(2 * time.Hour)
			assert.Equal(t, "completed", acme.json("renew", "recheck", acme.server).ok().get("state"))
		})
	}
}

// A token that comes without its key is taken, with a word about what that costs.
func TestAdoptWarns(t *testing.T) {
	w := newWorld(t)
	rows := w.write("rows.json", []byte(`{"reference": "crm-1", "name": "Bare", "token": {"consumer_key": "CK_1", "consumer_secret": "CS_1",
		"access_token": "AT_1", "access_secret": "AS_1", "access_token_expiry": "2027-01-01T00:00:00Z"}}`))
	got := w.cli("--json", "adopt", rows).ok()
	assert.Len(t, got.object()["warnings"], 1)
	assert.Empty(t, got.err)
	assert.Contains(t, w.cli("adopt", rows).ok().err, "row 1 (crm-1): The token came without the private key")
	cut := w.write("cut.json", []byte(`[{"reference": "crm-2", "name": "Two"},`))
	assert.Contains(t, w.cli("adopt", cut).fails(2).err, "cut off")
}

// Keys that are rotated over and over are too many at last; a day later it goes on.
func TestKeysRotateTooOften(t *testing.T) {
	w := newWorld(t)
	w.cli("server", "add", "Acme MDM").ok()
	for range 32 {
		w.cli("keys", "rotate").ok()
	}
	got := w.cli("--json", "keys", "rotate").fails(8)
	assert.Contains(t, got.err, "Rotate again tomorrow")
	w.pass(25 * time.Hour)
	assert.EqualValues(t, 64, w.cli("--json", "keys", "rotate").ok().object()["retired"])
	w.cli("server", "show", "Acme MDM").ok()
}

// The list that one looks at every morning has what ends first on top.
func TestListIsSortedByTheEnd(t *testing.T) {
	w := newWorld(t)
	retired := w.newCustomer("acme", "Retired MDM").withToken()
	retired.json("server", "retire", retired.server).ok()
	w.newCustomer("acme", "No token yet")
	soon := w.newCustomer("zeta", "Soon MDM").withToken()
	w.pass(30 * 24 * time.Hour)
	late := w.newCustomer("beta", "Late MDM").withToken()
	var list []struct{ Name string }
	w.cli("--json", "server", "list", "--all").ok().decode(&list)
	var names []string
	for _, s := range list {
		names = append(names, s.Name)
	}
	assert.Equal(t, []string{"Soon MDM", "Late MDM", "No token yet", "Retired MDM"}, names)
	_, _ = soon, late
}

// A problem is said once, not in the answer and again below it.
func TestProblemsAreToldOnce(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	id := acme.json("renew", "start", acme.server).ok().get("id")
	got := acme.cli("renew", "upload", id, w.write("x.html", []byte("<html></html>"))).fails(5)
	assert.NotContains(t, got.out, "web page")
	assert.Equal(t, 1, strings.Count(got.err, "web page"))
	assert.Contains(t, acme.cli("renew", "show", id).ok().out, "web page", "but whoever looks later sees it")

	acme.admin.Leave()
	got = acme.cli("server", "check", acme.server).fails(9)
	assert.NotContains(t, got.out, "token_rejected")
	assert.Contains(t, got.out, "that person left")
	assert.Contains(t, acme.cli("server", "show", acme.server).ok().out, "token_rejected")
}

// Who did it, by name, account and address; servers are found by their names here, too.
func TestAuditShowSaysWho(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	text := acme.cli("--actor", "Kim", "audit", "show", "Acme MDM").ok().out
	assert.Contains(t, text, "server_added         tess from abmctl")
	assert.Equal(t, acme.cli("audit", "show", acme.server).ok().out, text)
	assert.Equal(t, "Tess (u-7) from 203.0.113.9", who(enrollment.Actor{ID: "u-7", Name: "Tess", Source: "203.0.113.9"}))
	acme.json("server", "add", "Acme MDM").ok()
	assert.Contains(t, acme.cli("audit", "show", "Acme MDM").fails(2).err, "several have this name")
}
