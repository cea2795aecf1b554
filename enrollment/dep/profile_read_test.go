package dep_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment/dep"
)

func TestProfilesAreReadInApplesWords(t *testing.T) {
	p, err := dep.ReadProfile([]byte(`{"profile_name": "Acme", "url": "https://mdm.example.com/enroll", "org_magic": "m",
		"is_supervised": true, "is_mdm_removable": false, "skip_setup_items": ["Siri"], "brand_new": {"a": 1}}`))
	require.NoError(t, err)
	assert.Equal(t, "Acme", p.Name)
	assert.True(t, p.Supervised && p.NotRemovable)
	assert.Equal(t, []string{"Siri"}, p.SkipItems)
	assert.JSONEq(t, `{"a": 1}`, string(p.Extra["brand_new"]))

	for says, text := range map[string]string{
		"larger than":        `{"profile_name": "` + strings.Repeat("a", 2<<20) + `"}`,
		"JSON":               `{"profile_name": `,
		"one JSON object":    `["a"]`,
		"twice":              `{"profile_name": "a", "profile_name": "b", "url": "https://a", "org_magic": "m"}`,
		`no "profile_uuid"`:  `{"profile_name": "a", "url": "https://a", "org_magic": "m", "profile_uuid": "U"}`,
		`no "devices"`:       `{"profile_name": "a", "url": "https://a", "org_magic": "m", "devices": ["C02A"]}`,
		"not as documented":  `{"profile_name": "a", "url": "https://a", "org_magic": "m", "is_supervised": "yes"}`,
		"profile_name":       `{"url": "https://a", "org_magic": "m"}`,
		"org_magic":          `{"profile_name": "a", "url": "https://a"}`,
		"the url":            `{"profile_name": "a", "org_magic": "m"}`,
		"without a password": `{"profile_name": "a", "url": "https://a:b@c", "org_magic": "m"}`,
		"an address":         `{"profile_name": "a", "configuration_web_url": "nowhere", "org_magic": "m"}`,
		"is_supervised":      `{"profile_name": "a", "url": "https://a", "org_magic": "m", "is_mdm_removable": false}`,
	} {
		_, err := dep.ReadProfile([]byte(text))
		require.ErrorIs(t, err, dep.ErrInput, says)
		assert.Contains(t, err.Error(), says)
	}
}

func FuzzReadProfile(f *testing.F) {
	f.Add([]byte(`{"profile_name": "a", "url": "https://a", "org_magic": "m", "x": [[[]]]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := dep.ReadProfile(text); err != nil && len(err.Error()) > 2000 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
	})
}
