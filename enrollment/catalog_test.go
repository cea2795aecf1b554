package enrollment_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
)

// exits is the contract of the command line: what each exit status means, the codes that end with it, and the HTTP
// statuses that go with them.
var exits = map[int]struct {
	meaning string
	codes   string
	http    []int
}{
	1: {"anything else", "internal not_found conflict still_working store_failed store_full store_locked store_damaged " +
		"key_unavailable wrong_keyring in_transaction fips push_unsigned", []int{404, 409, 500, 501, 502, 503, 507}},
	2: {"usage", "invalid_input same_server", []int{400}},
	3: {"expired", "token_expired push_certificate_expired push_over", []int{422}},
	4: {"no key fits", "no_key_fits cannot_decrypt push_no_key_fits push_password", []int{422}},
	5: {"not the file that is asked for", "not_server_token file_too_large unsupported_file bad_content push_unfit", []int{413, 422}},
	6: {"belongs to another server, organization or tenant", "other_server other_service service_taken other_organization push_other_topic " +
		"device_released device_reassigned", []int{409}},
	7: {"older than the active one", "older_token push_older", []int{409}},
	8: {"refused by the state or a safety rule", "refused candidate_waiting confirm_identity push_expired too_many_uploads person_needed tenant_closed tenant_erased server_retired renewal_lapsed push_renewal_lapsed " +
		"erase_by_hand assignment_unseen profile_unseen migration_overdue device_mismatch device_not_confirmed turn_never_came wipe_refused " +
		"wipe_not_sent wipe_delayed wipe_outstanding wipe_withdrawn not_seen_again returned_to_old_mdm " +
		"target_without_token target_no_profile own_approval approval_needed approved_otherwise proposal_needed wipes_off wipe_push_lost too_many_failures " +
		"approval_ended service_gone plan_lapsed assign_by_hand", []int{403, 409, 410, 429}},
	9: {"Apple refused", "token_rejected terms_pending access_denied push_rejected push_dead " +
		"apple_refused assignment_refused profile_refused migration_failed migration_not_cancelled target_token_rejected", []int{403, 409, 422}},
	10: {"Apple out of reach", "apple_unreachable", []int{503}},
}

// warnings stand in an answer that succeeded; no call ends with one.
var warnings = strings.Fields("push_unknown push_bad push_unproven name_changed other_consumer_key key_missing wipe_may_strike wipe_doubtful activation_lock_stays")

func TestEveryCodeHasTheStatusOfTheContract(t *testing.T) {
	status := map[enrollment.Code]int{}
	for exit, c := range exits {
		for _, code := range strings.Fields(c.codes) {
			status[enrollment.Code(code)] = exit
		}
	}
	for _, code := range enrollment.Codes() {
		http, exit := code.Status()
		if slices.Contains(warnings, string(code)) {
			assert.Equal(t, [2]int{200, 1}, [2]int{http, exit}, "the warning %s", code)
			continue
		}
		assert.Contains(t, status, code, "which exit status does the contract give it?")
		assert.Equal(t, status[code], exit, code)
		assert.Contains(t, exits[exit].http, http, code)
	}
	assert.Len(t, enrollment.Codes(), len(status)+len(warnings), "a code is named that does not exist")
}

// A code that a newer version stored does not look like success.
func TestAnUnknownCodeIsAnInternalProblem(t *testing.T) {
	http, exit := enrollment.Code("of_the_future").Status()
	assert.Equal(t, [2]int{500, 1}, [2]int{http, exit})
	assert.Empty(t, enrollment.Code("of_the_future").Args())
	p := enrollment.NewProblem("of_the_future", "what", "x")
	assert.Equal(t, enrollment.CodeInternal, p.Code)
	assert.NotEmpty(t, p.Title)
	assert.NotEmpty(t, p.Next)
}

// The constants and the catalog are the same list.
func TestTheListOfCodesIsClosed(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	require.NoError(t, err)
	var constants []enrollment.Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, is := n.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(spec.Names[0].Name, "Code") {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		require.NoError(t, err)
		constants = append(constants, enrollment.Code(value))
		return true
	})
	slices.Sort(constants)
	assert.Equal(t, constants, enrollment.Codes(), "constants of code.go, entries of catalog.go")
	assert.Greater(t, len(constants), 40)
}

func TestProblemsSpeakOneLanguage(t *testing.T) {
	for _, code := range enrollment.Codes() {
		var args []string
		for _, name := range code.Args() {
			args = append(args, name, "<"+name+">")
		}
		p := enrollment.NewProblem(code, args...)
		require.NotEmpty(t, p.Title, code)
		require.NotEmpty(t, p.Next, "%s: what does a person do now?", code)
		for name, text := range map[string]string{"title": p.Title, "next": p.Next} {
			assert.NotContains(t, text, "{", "%s of %s", name, code)
			assert.NotContains(t, text, "}", "%s of %s", name, code)
			assert.NotContains(t, text, "  ", "%s of %s", name, code)
			assert.False(t, strings.HasSuffix(text, "."), "%s of %s: Error puts the full stop between them", name, code)
			assert.Equal(t, strings.TrimSpace(text), text, "%s of %s", name, code)
			assert.Equal(t, strings.ToUpper(text[:1]), text[:1], "%s of %s begins a sentence", name, code)
		}
		for _, name := range code.Args() {
			assert.Contains(t, p.Title+p.Next, "<"+name+">", "%s shows its argument", code)
		}
		assert.ElementsMatch(t, code.Args(), slices.Collect(maps.Keys(p.Args)), code)
	}
}

func TestAMissingArgumentLeavesNoBraces(t *testing.T) {
	for _, code := range enrollment.Codes() {
		for given := range len(code.Args()) {
			var args []string
			for _, name := range code.Args()[:given] {
				args = append(args, name, name)
			}
			for _, args := range [][]string{args, append(args, "a name without a value")} {
				p := enrollment.NewProblem(code, args...)
				assert.NotContains(t, p.Error(), "{", code)
				assert.Equal(t, strings.TrimSpace(p.Title), p.Title, code)
				assert.Len(t, p.Args, given, code)
			}
		}
	}
}

// What a stranger typed stays what it is: it fills no other place.
func TestAnArgumentIsNotFilledItself(t *testing.T) {
	p := enrollment.NewProblem(enrollment.CodeOtherOrg, "was", "{organization}", "organization", "{was} } {")
	assert.Equal(t, "The organization changed from {organization} to {was} } {", p.Title)
}

// Retry promises that waiting may help; it is never set where a person has to do something with the file.
func TestRetryIsForWhatMayPass(t *testing.T) {
	want := strings.Fields("conflict still_working store_failed store_full store_locked key_unavailable " +
		"too_many_uploads terms_pending apple_unreachable device_not_confirmed wipe_delayed")
	var got []string
	for _, code := range enrollment.Codes() {
		if enrollment.NewProblem(code).Retry {
			got = append(got, string(code))
		}
	}
	assert.ElementsMatch(t, want, got)
}
