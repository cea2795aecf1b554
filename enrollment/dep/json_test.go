package dep_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// calls are one of each that reads an answer.
var calls = map[string]func(context.Context, *dep.Client) error{
	"account": func(ctx context.Context, c *dep.Client) error { return only(c.Account(ctx)) },
	"fetch": func(ctx context.Context, c *dep.Client) error {
		_, _, err := collect(c.FetchDevices(ctx, dep.From{}))
		return err
	},
	"sync": func(ctx context.Context, c *dep.Client) error {
		_, _, err := collect(c.SyncDevices(ctx, dep.From{Cursor: "c"}))
		return err
	},
	"details": func(ctx context.Context, c *dep.Client) error { return only(c.DeviceDetails(ctx, "A")) },
	"define":  func(ctx context.Context, c *dep.Client) error { return only(c.DefineProfile(ctx, dep.Profile{})) },
	"profile": func(ctx context.Context, c *dep.Client) error { return only(c.Profile(ctx, "P")) },
	"assign":  func(ctx context.Context, c *dep.Client) error { return only(c.AssignProfile(ctx, "P", "A")) },
	"remove":  func(ctx context.Context, c *dep.Client) error { return only(c.RemoveProfile(ctx, "A")) },
	"lock": func(ctx context.Context, c *dep.Client) error {
		return c.LockActivation(ctx, dep.ActivationLock{Serial: "A"})
	},
}

func TestThreat07_HostileJSON(t *testing.T) {
	valid := `"server_uuid":"U","profile_uuid":"P","devices":[],"cursor":"c","more_to_follow":false`
	for name, body := range map[string]string{
		"nothing": "", "null": "null", "a list": "[]", "a text": `"a"`, "a number": "1e999", "two": "{}{}", "cut off": `{"a":`,
		"no end": strings.Repeat(`{"a":`, 1<<17), "lists without end": `{"a":` + strings.Repeat("[", 1<<19), "deep": `{"a":` + strings.Repeat("[", 40) + strings.Repeat("]", 40) + "}",
		"not UTF-8": "\xff\xfe", "UTF-16": "\xff\xfe{\x00}\x00", "a NUL": "{\x00}", "a byte order mark": "\ufeff{}",
		"a name twice":                 `{` + valid + `,"cursor":"d"}`,
		"a name twice, deep inside":    `{` + valid + `,"x":[{"y":{"z":1,"z":2}}]}`,
		"a name twice, in other case":  `{` + valid + `,"Cursor":"d"}`,
		"a name twice, by the long s":  `{` + valid + `,"curſor":"d"}`,
		"a name twice, by Kelvin":      `{` + valid + `,"kind":1,"` + "\u212aind" + `":2}`,
		"a name twice, by its escapes": `{` + valid + `,"\u0063ursor":"d"}`,
		"a comment":                    `{/* a */` + valid + `}`, "a comma": `{` + valid + `,}`, "no number": `{` + valid + `,"x":NaN}`,
		"HTML": "<!DOCTYPE html><title>Sign in</title>",
	} {
		c := answering(t, text(200, body), dep.Options{})
		for call, ask := range calls {
			err := ask(t.Context(), c)
			require.ErrorIs(t, err, dep.ErrAnswer, "%s of %s", name, call)
			require.NotErrorIs(t, err, abmtoken.ErrRejected)
			require.Less(t, len(err.Error()), 2000)
		}
	}
}

// What is only information may be of another type one day; that loses nothing else.
func TestNumbersAndTypesThatAreNotDocumented(t *testing.T) {
	for _, value := range []string{`7`, `1e999`, `-0.0`, strings.Repeat("9", 100_000), `true`, `null`, `[]`, `{}`, `[[[]]]`, `"\ud800"`} {
		c := answering(t, text(200, fmt.Sprintf(`{"server_uuid":"U","org_name":%s,"org_id":%[1]s,"urls":[{"uri":"/server/devices","limit":{"maximum":%[1]s}}]}`, value)), dep.Options{})
		account, err := c.Account(t.Context())
		require.NoError(t, err, value[:min(len(value), 9)])
		assert.Equal(t, "U", account.ServerUUID)
		assert.GreaterOrEqual(t, account.Limits["/server/devices"].Maximum, 0)
	}
	for _, body := range []string{`{"server_uuid":"U","urls":7}`, `{"server_uuid":"U","urls":[7]}`} {
		require.ErrorIs(t, only(answering(t, text(200, body), dep.Options{}).Account(t.Context())), dep.ErrAnswer, body)
	}
}

func TestWhatIsDeepButWithinReasonIsRead(t *testing.T) {
	body := `{"server_uuid":"U","x":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`
	require.NoError(t, only(answering(t, text(200, body), dep.Options{}).Account(t.Context())))
}

func TestThreat07_SessionTokensCannotCarryHeaders(t *testing.T) {
	for _, session := range []string{`"a\r\nX-Evil: 1"`, `7`, `null`, `""`, `" "`, `"a b"`, `"é"`, `"` + strings.Repeat("a", 5000) + `"`, `{}`} {
		err := ask(t, text(200, `{"auth_session_token":`+session+`}`))
		require.ErrorIs(t, err, dep.ErrAnswer, session)
		require.NotErrorIs(t, err, abmtoken.ErrRejected)
	}
}
