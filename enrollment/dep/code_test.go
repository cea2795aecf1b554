package dep_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// documentedCodes are all that Apple's documents name, and the two that were only observed, with the status under which
// they come; see TestAppleDocs for the documents.
var documentedCodes = []struct {
	status int
	code   dep.Code
	is     error
}{
	{401, "token_rejected", abmtoken.ErrRejected},
	{403, "token_rejected", abmtoken.ErrRejected},
	{401, "signature_invalid", abmtoken.ErrRejected},
	{403, "signature_invalid", abmtoken.ErrRejected},
	{403, "T_C_NOT_SIGNED", abmtoken.ErrTermsPending},
	{403, "ACCESS_DENIED", abmtoken.ErrAccessDenied},
	{403, "FORBIDDEN", abmtoken.ErrAccessDenied},
	{403, "APPLE_SEED_FOR_IT_TURNED_OFF", abmtoken.ErrAccessDenied},
	{400, "USER_AGENT_MISSING", dep.ErrRequest},
	{400, "USER_AGENT_INVALID", dep.ErrRequest},
	{400, "MALFORMED_REQUEST_BODY", dep.ErrRequest},
	{400, "DEVICE_ID_REQUIRED", dep.ErrRequest},
	{400, "PROFILE_UUID_REQUIRED", dep.ErrRequest},
	{400, "NOT_FOUND", dep.ErrNotFound},
	{400, "CURSOR_REQUIRED", dep.ErrCursor},
	{400, "INVALID_CURSOR", dep.ErrCursor},
	{400, "EXPIRED_CURSOR", dep.ErrCursor},
	{400, "EXHAUSTED_CURSOR", dep.ErrExhausted},
	{400, "CONFIG_NAME_REQUIRED", dep.ErrRequest},
	{400, "CONFIG_NAME_INVALID", dep.ErrRequest},
	{400, "CONFIG_URL_REQUIRED", dep.ErrRequest},
	{400, "CONFIG_URL_INVALID", dep.ErrRequest},
	{400, "DEPARTMENT_INVALID", dep.ErrRequest},
	{400, "MAGIC_INVALID", dep.ErrRequest},
	{400, "SUPPORT_PHONE_INVALID", dep.ErrRequest},
	{400, "SUPPORT_EMAIL_INVALID", dep.ErrRequest},
	{400, "FLAGS_INVALID", dep.ErrRequest},
	{400, "LOCALE_INVALID", dep.ErrRequest},
}

// sentinels are all that an Error may match.
var sentinels = []error{
	abmtoken.ErrRejected, abmtoken.ErrTermsPending, abmtoken.ErrAccessDenied, dep.ErrRequest, dep.ErrNotFound, dep.ErrCursor,
	dep.ErrExhausted, dep.ErrThrottled, dep.ErrRedirect, dep.ErrClock, dep.ErrUnknown, dep.ErrAnswer, dep.ErrInput, dep.ErrLoop,
}

func TestEveryDocumentedCodeIsTyped(t *testing.T) {
	for _, d := range documentedCodes {
		for _, body := range []string{string(d.code), strconv.Quote(string(d.code)), " " + string(d.code) + "\r\n", strconv.Quote(strconv.Quote(string(d.code)))} {
			c := answering(t, text(d.status, body), dep.Options{})
			for name, err := range map[string]error{"a call that asks": only(c.Profile(t.Context(), "P")), "a call that changes": only(c.AssignProfile(t.Context(), "P", "A"))} {
				var e *dep.Error
				require.ErrorAs(t, err, &e, body)
				assert.Equal(t, d.code, e.Code, body)
				assert.Equal(t, string(d.code), e.Reason())
				for _, s := range sentinels {
					assert.Equal(t, errors.Is(s, d.is), errors.Is(err, s), "%s: %q is %v", name, body, s)
				}
				assert.Equal(t, enrollment.Fatal, dep.Outcome(err), "%s: %q", name, body)
				assert.Contains(t, err.Error(), string(d.code)+"; ", "it says what to do next")
			}
		}
	}
}

func only[T any](_ T, err error) error { return err }

// A server that is broken may say anything: nothing in it counts.
func TestACodeInA5xxMeansNothing(t *testing.T) {
	for _, d := range documentedCodes {
		err := only(answering(t, text(500, string(d.code)), dep.Options{}).Profile(t.Context(), "P"))
		for _, s := range sentinels {
			require.NotErrorIs(t, err, s, "%s", d.code)
		}
		assert.Equal(t, enrollment.Retry, dep.Outcome(err))
	}
}

// The constants and this table are the same list.
func TestEveryCodeIsInTheTable(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	require.NoError(t, err)
	var constants, table []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, is := n.(*ast.ValueSpec); is && strings.HasPrefix(spec.Names[0].Name, "Code") {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			constants = append(constants, value)
		}
		return true
	})
	seen := map[string]bool{}
	for _, d := range documentedCodes {
		if !seen[string(d.code)] {
			table = append(table, string(d.code))
		}
		seen[string(d.code)] = true
	}
	assert.ElementsMatch(t, table, constants)
}

func TestPain09_ApplesOwnWordsComeThrough(t *testing.T) {
	for body, shown := range map[string]string{
		"NEW_CODE_OF_2027":                      `HTTP 400 NEW_CODE_OF_2027`,
		"Internal Server Error":                 `HTTP 400 and "Internal Server Error"`,
		`{"error":"quota","detail":"too many"}`: `HTTP 400 and "{\"error\":\"quota\",\"detail\":\"too many\"}"`,
		"<html>\x00\x1b[31m\r\nSet-Cookie: a=b": `HTTP 400 and "<html>  [31m  Set-Cookie: a=b"`,
		"":                                      "HTTP 400",
	} {
		err := only(answering(t, text(400, body), dep.Options{}).Profile(t.Context(), "P"))
		var e *dep.Error
		require.ErrorAs(t, err, &e)
		require.EqualError(t, err, "dep: Apple answered GET /profile with "+shown)
		assert.Equal(t, enrollment.Retry, dep.Outcome(err), "what is not known says nothing")
		assert.Equal(t, enrollment.Retry, dep.Outcome(only(answering(t, text(400, body), dep.Options{}).AssignProfile(t.Context(), "P", "A"))),
			"a refusal did not happen, whatever its word")
	}
	long := only(answering(t, text(400, strings.Repeat("é", 1<<20)), dep.Options{}).Profile(t.Context(), "P"))
	assert.Less(t, len(long.Error()), 700)
}

// FORBIDDEN goes with 403. With 401 the status counts: at the session it is about the token, elsewhere about the session.
func TestForbiddenUnderAnotherStatus(t *testing.T) {
	require.ErrorIs(t, ask(t, text(401, "FORBIDDEN")), abmtoken.ErrRejected)
	err := only(answering(t, text(401, "FORBIDDEN"), dep.Options{}).Account(t.Context()))
	for _, s := range sentinels {
		require.NotErrorIs(t, err, s)
	}
}

// The person behind the token was deleted: Apple says FORBIDDEN, also to a fresh session, and the client goes on working.
func TestPain13_ForbiddenIsToldAndNotFinal(t *testing.T) {
	forbidden := true
	c := answering(t, func(w http.ResponseWriter, r *http.Request) {
		if forbidden {
			text(403, `"FORBIDDEN"`)(w, r)
			return
		}
		text(200, `{"server_uuid":"U","admin_id":"new@acme.example"}`)(w, r)
	}, dep.Options{})
	_, err := c.Account(t.Context())
	require.ErrorIs(t, err, abmtoken.ErrAccessDenied)
	require.NotErrorIs(t, err, abmtoken.ErrRejected)
	require.ErrorContains(t, err, "the person who downloaded the token")
	forbidden = false
	account, err := c.Account(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "new@acme.example", account.AdminID)
}
