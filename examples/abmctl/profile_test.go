package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/appletest"
)

const someProfile = `{"profile_name": "Acme", "url": "https://mdm.example.com/enroll", "org_magic": "m", "is_supervised": true}`

func TestProfile(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM")
	file := w.write("profile.json", []byte(someProfile))
	assert.Contains(t, acme.json("profile", "define", acme.server, file).fails(8).err, "renew upload")
	acme.withToken()
	assert.Equal(t, "target_no_profile", acme.json("profile", "show", acme.server).fails(8).code())

	defined := acme.json("profile", "define", acme.server, file).ok()
	assert.Equal(t, acme.server, defined.get("server"))
	uuid := defined.get("uuid")
	shown := acme.json("profile", "show", "Acme MDM").ok()
	assert.Equal(t, uuid, shown.get("uuid"))
	at := shown.object()["at_apple"].(map[string]any)
	assert.Equal(t, []any{"https://mdm.example.com/enroll", true, true}, []any{at["url"], at["is_supervised"], at["is_mdm_removable"]})
	assert.Contains(t, acme.cli("profile", "show", acme.server).ok().out, "supervised on")

	second := acme.json("profile", "define", acme.server, file).ok().get("uuid")
	assert.NotEqual(t, uuid, second)
	assert.Equal(t, uuid, acme.json("profile", "use", acme.server, uuid).ok().get("uuid"), "the first one again")
	assert.Equal(t, "apple_refused", acme.json("profile", "use", acme.server, "77AA").fails(9).code())
	assert.Equal(t, uuid, acme.json("profile", "show", acme.server).ok().get("uuid"))
	assert.Contains(t, acme.cli("audit", "show", acme.server).ok().out, "profile_set")

	end := w.apple.Fail(appletest.Fault{Kind: appletest.Down})
	down := acme.json("profile", "show", acme.server).fails(10)
	assert.Equal(t, uuid, down.get("uuid"), "what is noted here shows all the same")
	acme.json("profile", "define", acme.server, file).fails(10)
	end()
}

func TestBadProfiles(t *testing.T) {
	w := newWorld(t)
	acme := w.newCustomer("acme", "Acme MDM").withToken()
	for says, text := range map[string]string{
		"JSON": "{", "profile_name": `{}`, "org_magic": `{"profile_name": "a", "url": "https://a"}`,
		"devices":    `{"profile_name": "a", "url": "https://a", "org_magic": "m", "devices": ["C02A"]}`,
		"password":   `{"profile_name": "a", "url": "https://a:b@c", "org_magic": "m"}`,
		"documented": `{"profile_name": 7, "url": "https://a", "org_magic": "m"}`,
	} {
		got := acme.json("profile", "define", acme.server, w.write("bad.json", []byte(text))).fails(2)
		assert.Contains(t, got.err, says)
	}
	assert.Contains(t, acme.json("profile", "define", acme.server, w.write("large.json", make([]byte, 3<<20))).fails(2).err, "larger than")
	acme.json("profile", "define", acme.server, w.path("gone")).fails(2)
	require.NotContains(t, acme.json("server", "show", acme.server).ok().object(), "profile")
	acme.json("server", "retire", acme.server).ok()
	acme.json("profile", "define", acme.server, w.write("p.json", []byte(someProfile))).fails(8)
}
