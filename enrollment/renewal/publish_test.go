package renewal_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// What is saved at Apple by the API is out like what a person carried to the portal; each attempt has an answer of its own,
// and one that was never heard stays a doubt.
func TestACertificateThatIsPublishedIsOut(t *testing.T) {
	s := &story{t: t, w: start(t, pinned(), enrollment.Expiring), now: noon}
	s.do("push_checked: valid", "certificate", "key_made: done")
	assert.False(t, s.w.Run.CertificateOut())
	s.do("publish: by a person")
	assert.True(t, s.w.Run.CertificateOut())
	first := *s.w.Run.Key.Publication
	assert.True(t, first.Doubtful(), "the program may have ended before it heard")
	assert.Equal(t, tess, first.By)

	s.do("published: lost answer")
	assert.True(t, s.w.Run.Key.Publication.Doubtful())
	s.do("publish: by a person")
	second := *s.w.Run.Key.Publication
	assert.NotEqual(t, first.Effect, second.Effect)
	assert.Empty(t, second.Outcome)
	tr, err := s.w.Run.Step(policy, s.now, renewal.Published{Result: enrollment.Result{Effect: first.Effect, Outcome: enrollment.OK}})
	require.NoError(t, err)
	assert.False(t, tr.Moved, "an answer to the first attempt says nothing of the second")
	s.do("published: done")
	assert.False(t, s.w.Run.Key.Publication.Doubtful())
	tr, err = s.w.Run.Step(policy, s.now, renewal.Published{Result: enrollment.Result{Effect: second.Effect, Outcome: enrollment.Unknown}})
	require.NoError(t, err)
	assert.False(t, tr.Moved, "what is known is not forgotten")
	assert.Contains(t, s.w.Run.Allowed(policy, s.now, tess), renewal.EventPublish)
	assert.NotContains(t, s.w.Run.Allowed(policy, s.now, robot), renewal.EventPublish)

	s.do("upload: the candidate again")
	assert.NotContains(t, s.w.Run.Allowed(policy, s.now, tess), renewal.EventPublish, "it would end the token that was uploaded")
}
