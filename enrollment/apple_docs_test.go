package enrollment_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment"
)

// Each test here pins a fact of Apple's that the vocabulary rests on, with the document that says so. A test that fails
// because Apple changed its mind is a change of the library's promises.

// Apple Business User Guide, "Link to a third-party device management service" (support.apple.com, axm1c1be359d, read
// in September 2026): a token lives a year, and ends early when a new public key is uploaded or a new token generated,
// when the person who downloaded it changes their password, or when that person leaves the organization. That deleting
// the service ends it, too, is not written there but follows.
func TestAppleDocs_WhatEndsATokenEarly(t *testing.T) {
	documented := []enrollment.Cause{
		enrollment.CauseReplaced, enrollment.CauseNewKey, enrollment.CausePassword, enrollment.CausePersonLeft,
	}
	for _, certificateOut := range []bool{true, false} {
		causes := enrollment.RejectionCauses(certificateOut)
		assert.ElementsMatch(t, append(slices.Clone(documented), enrollment.CauseServiceGone), causes)
		assert.Equal(t, enrollment.CauseServiceGone, causes[len(causes)-1], "what is only inferred comes last")
	}
	p := enrollment.NewProblem(enrollment.CodeRejected, "reason", "", "admin", "tess@acme.example")
	for _, words := range []string{"downloaded again", "certificate was replaced", "changed their password", "left", "tess@acme.example"} {
		assert.Contains(t, p.Next, words, "the technician hears what may have happened")
	}
}

// Apple, "Interpreting error codes" of Device Assignment (developer.apple.com, June 2025): 403 T_C_NOT_SIGNED says that
// new terms were not accepted yet; the token lives. Apple Business User Guide, "Intro to roles and permissions"
// (support.apple.com, axm97dd59159, September 2026): only an Administrator, now called Organization Administrator,
// accepts them.
func TestAppleDocs_PendingTermsAreForAnAdministratorAndDoNotEndAToken(t *testing.T) {
	p := enrollment.NewProblem(enrollment.CodeTermsPending, "organization", "Acme")
	assert.Contains(t, p.Next, "administrator of that organization")
	assert.NotContains(t, p.Next, "ownload", "nobody is sent to the portal for a new token")
	assert.True(t, p.Retry)
	v := enrollment.Vital{Held: true, Expires: t0.Add(day), Answer: enrollment.AnswerTerms}
	assert.Equal(t, enrollment.TermsPending, enrollment.HealthOf(v, enrollment.DefaultPolicy(), t0))
	assert.Equal(t, enrollment.Expired, enrollment.HealthOf(v, enrollment.DefaultPolicy(), t0.Add(day)), "a year is a year")
}

// Apple, "Account detail" of Device Assignment (developer.apple.com, June 2025): server_uuid names the service, org_id
// and org_id_hash the organization, admin_id the Apple Account behind the tokens in use. Names are for people. The UUIDs
// of answers that were published have 32 upper-case hex digits.
func TestAppleDocs_AServiceIsItsUUID(t *testing.T) {
	pin := enrollment.PinTo(acme, enrollment.PinnedByApple)
	other := enrollment.Account{
		ServerUUID: acme.ServerUUID, OrgID: acme.OrgID, ServerName: "x", OrgName: "y", AdminID: "z@acme.example", OrgType: "edu",
	}
	assert.Equal(t, enrollment.SameIdentity, pin.Match(other))
	assert.Equal(t, acme.ServerUUID, enrollment.NormalUUID("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"))
}

// Another administrator of the same organization may download, and gets another consumer key for the same service
// (nanodep, http/api/tokens.go, names the case in a comment; micromdm/nanodep issue 7). It is a warning, no refusal.
func TestAppleDocs_AnotherConsumerKeyIsNormal(t *testing.T) {
	p := enrollment.NewProblem(enrollment.CodeOtherConsumer)
	http, _ := p.Code.Status()
	assert.Equal(t, 200, http)
	assert.Contains(t, p.Next, "another administrator")
}

// Apple, "Migrating managed devices" (developer.apple.com, September 2026): since iOS, iPadOS and macOS 26 a device that
// Apple calls capable moves to another service by a deadline, without an erase. Apple, "Remove a Profile" (June 2025):
// a reassignment alone changes nothing on a device that is set up, until it is erased.
func TestAppleDocs_ACapableDeviceIsNeverErased(t *testing.T) {
	situations(func(s enrollment.Situation) {
		if s.Capable == enrollment.Yes && s.MDMChanges == enrollment.Yes {
			advice := enrollment.Advise(s).Advice
			assert.NotContains(t, []enrollment.Advice{enrollment.AdviseWipe, enrollment.AdviseHands}, advice, "%+v", s)
		}
	})
	reassign := enrollment.Advise(enrollment.Situation{ServiceExists: enrollment.No, MDMChanges: enrollment.No, MDMManages: enrollment.Yes})
	assert.Equal(t, enrollment.AdviseReassign, reassign.Advice)
	assert.Contains(t, reassign.Why, "from their next erase")
}

// Apple Business User Guide, axm1c1be359d, as above: a new certificate can be uploaded to an existing service, and its
// token downloaded again. So a lost key or token is no reason to touch a device.
func TestAppleDocs_ALostKeyTouchesNoDevice(t *testing.T) {
	situations(func(s enrollment.Situation) {
		if s.ServiceExists == enrollment.Yes && s.PortalAccess == enrollment.Yes {
			advice := enrollment.Advise(s).Advice
			assert.Contains(t, []enrollment.Advice{enrollment.AdviseRenew, enrollment.AdviseReplaceCertificate}, advice, "%+v", s)
		}
	})
}

// Apple's words changed: an "MDM server" is a device management service since 2025, its "server token" a service token
// on the newest pages (support.apple.com, axm1c1be359d, September 2026). People find either word in the texts; a content
// token of Apps and Books is never meant.
func TestAppleDocs_TextsUseApplesWords(t *testing.T) {
	for _, code := range enrollment.Codes() {
		text := enrollment.NewProblem(code).Error()
		assert.NotContains(t, text, "DEP", code)
		assert.NotContains(t, text, "MDM server", code)
		assert.NotContains(t, text, "Business Manager", "%s: there is School Manager, too", code)
		assert.NotContains(t, text, "VPP", code)
	}
}
