package main

import (
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every file that is no token for this server is refused with its own exit status, and leaves everything as it was.
func TestRefusedFiles(t *testing.T) {
	w := newWorld(t)
	w.bare("token", "keygen", "--name", "acme", "--out", w.dir).ok()
	acme := w.newCustomer("default", "Acme MDM").withToken()
	for _, c := range wrongFiles(w, w.read(w.path("first.p7m"))) {
		acme.untouched(func() {
			got := acme.json("renew", "upload", acme.server, w.write("wrong", c.text)).fails(5)
			assert.Contains(t, got.err, c.says, c.name)
			assert.Equal(t, acme.server, got.get("server"), c.name)
		})
		w.pass(time.Minute)
	}
	acme.untouched(func() {
		damaged := w.read(w.path("first.p7m"))
		damaged[len(damaged)/2] ^= 1
		got := acme.json("renew", "upload", acme.server, w.write("damaged.p7m", damaged))
		assert.Contains(t, []int{4, 5}, got.status, "%s", got.err)
		acme.json("renew", "upload", acme.server, w.path("gone.p7m")).fails(2)
	})
	assert.Contains(t, acme.cli("audit", "show", acme.server).ok().out, "file_refused")
	acme.json("renew", "upload", acme.server, acme.download("good.p7m")).ok()
}

// A refusal stands in the renewal until it is solved.
func TestRefusalShowsInTheRenewal(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	id := acme.json("renew", "start", acme.server).ok().get("id")
	got := acme.json("renew", "upload", id, w.write("x.html", []byte("<html></html>"))).fails(5)
	assert.Equal(t, id, got.get("renewal"))
	shown := acme.json("renew", "show", id).ok()
	assert.Equal(t, "awaiting_upload", shown.get("state"))
	assert.Equal(t, "not_server_token", shown.code())
	acme.json("renew", "upload", id, acme.download("good.p7m")).ok()
	assert.NotContains(t, acme.json("renew", "show", id).ok().object(), "problem")
}

// Pain 14: the older of two downloads.
func TestPain14_OlderDownload(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	older := acme.download("older.p7m")
	w.pass(time.Hour)
	acme.json("renew", "upload", acme.server, acme.download("newer.p7m")).ok()
	acme.untouched(func() {
		got := acme.json("renew", "upload", acme.server, older).fails(7)
		assert.Equal(t, "older_token", got.code())
		assert.Contains(t, got.err, "older of two downloads")
	})
}

func TestExpiredFile(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	late := acme.download("late.p7m")
	w.pass(400 * 24 * time.Hour)
	acme.untouched(func() {
		assert.Equal(t, "token_expired", acme.json("renew", "upload", acme.server, late).fails(3).code())
	})
	assert.Equal(t, "token_expired", acme.json("server", "check", acme.server).fails(3).code())
}

// A file for another server of the tenant names it; one for another tenant reveals nothing, and looks like one for nobody.
func TestFilesOfOthers(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM").withToken()
	school := acme.addServer("Acme School").withToken()
	bolt := w.newCustomer("bolt", "Bolt MDM").withToken()
	stranger, _ := w.tokenFor("stranger")

	acme.untouched(func() {
		got := acme.json("renew", "upload", acme.server, school.download("school.p7m")).fails(6)
		assert.Equal(t, "other_server", got.code())
		assert.Contains(t, got.err, "Acme School")

		of := acme.json("renew", "upload", acme.server, bolt.download("bolt.p7m")).fails(4)
		nobody := acme.json("renew", "upload", acme.server, stranger).fails(4)
		assert.Equal(t, nobody.out, of.out, "nothing tells them apart")
		assert.Equal(t, nobody.err, of.err)
		assert.NotContains(t, of.out+of.err, "bolt")
	})
}

// Pain 2: the token opens with our key, because somebody saved our certificate at another service: Apple says whose it is.
func TestPain02_AnotherServiceWithOurCertificate(t *testing.T) {
	w := newWorld(t)
	acme, bolt := w.newCustomer("acme", "Acme MDM").withToken(), w.newCustomer("bolt", "Bolt MDM").withToken()
	require.NoError(t, bolt.admin.ReplaceCertificate(bolt.service, w.read(w.path("Acme MDM.pem"))))
	acme.untouched(func() {
		got := acme.json("renew", "upload", acme.server, bolt.download("mixed.p7m")).fails(6)
		assert.Contains(t, []string{"other_service", "service_taken"}, got.code())
	})
}

// A first token of an organization that nobody expected waits for a person, and can be given back.
func TestFirstTokenOfAnotherOrganization(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM")
	wrong := w.apple.AddOrganization("Wrong Ltd.").AddAdmin("it@wrong.example")
	service, err := wrong.CreateService("MDM", w.read(w.path("Acme MDM.pem")))
	require.NoError(t, err)
	file, _, err := wrong.DownloadToken(service)
	require.NoError(t, err)
	acme.untouched(func() {
		got := acme.json("renew", "upload", acme.server, w.write("wrong.p7m", file)).fails(8)
		assert.Contains(t, got.err, "Wrong Ltd.")
		assert.Equal(t, "cancelled", acme.json("renew", "cancel", acme.renewal).ok().get("state"))
	})
}

func TestTooManyUploads(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("default", "Acme MDM").withToken()
	junk := w.write("junk", []byte("junk"))
	acme.untouched(func() {
		for range enrollment.DefaultPolicy().UploadsPerMinute {
			acme.json("renew", "upload", acme.server, junk).fails(5)
		}
		assert.Equal(t, "too_many_uploads", acme.json("renew", "upload", acme.server, junk).fails(8).code())
	})
	w.pass(2 * time.Minute)
	acme.json("renew", "upload", acme.server, acme.download("good.p7m")).ok()
}
