package renewal_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// Long stories, told by scripts. What a renewal and the watch of its server make of each command is written below it: what
// happened, then the state, what is pending, when it wakes, and the problem that a person sees.
//
//	server [token=20d]                         a server, with a token that expires then
//	start | certificate | take | confirm [by=key] | recheck | cancel | override REASON | retire | check
//	upload NAME expires=365d [confirm] [consumer=CK_2]
//	bad CODE                                   a file that is none for this server
//	adopt NAME expires=365d                    the host puts a token in use itself
//	apple ok|CODE, org ID, push 30d, notices on|off   what the world is like from now on
//	result KIND ok|retry|fatal|unknown         a result that comes by itself: late, twice
//	crash                                      the host forgets everything but the store
//	crash result                               ... after the next effect, before its result is stored
//	tick 3d                                    time passes; what falls due is done
func TestScripts(t *testing.T) {
	t.Parallel()
	machinetest.Scripts(t, "testdata/scripts/*.txt", func() func(machinetest.Command) (string, error) {
		return newScriptHost(t).command
	})
}

func (h *scriptHost) command(c machinetest.Command) (string, error) {
	h.said = nil
	arg := strings.Join(c.Args, " ")
	settles := true
	switch c.Name {
	case "server":
		h.server(c)
	case "start":
		if err := h.start(); err != nil {
			return "", err
		}
	case "certificate":
		h.renewal(renewal.CertificateRequested{By: tess})
	case "take":
		h.renewal(renewal.CertificateTaken{By: tess})
	case "upload":
		up := h.file(c)
		h.renewal(renewal.TokenUploaded{By: tess, Token: up, Server: h.load().Server, Confirmed: c.Has("confirm")})
	case "bad":
		h.renewal(renewal.UploadRefused{By: tess, Problem: enrollment.NewProblem(enrollment.Code(arg))})
	case "adopt":
		h.adopt(h.file(c))
	case "confirm":
		by := tess
		if c.Value("by", "") == "key" {
			by = robot
		}
		h.renewal(renewal.Confirmed{By: by, Server: h.load().Server})
	case "recheck":
		h.renewal(renewal.RecheckRequested{By: tess})
	case "cancel":
		h.renewal(renewal.CancelRequested{By: tess})
	case "override":
		h.renewal(renewal.PushOverridden{By: tess, Reason: arg})
	case "check":
		h.watch(renewal.CheckRequested{By: tess})
	case "retire":
		h.renewal(renewal.ServerRetired{By: tess})
		h.watch(renewal.CredentialRetired{})
	case "apple":
		h.apple, settles = enrollment.Code(strings.TrimPrefix(arg, "ok")), false
	case "org":
		h.owner, settles = strings.TrimPrefix(arg, "ours"), false
	case "push":
		h.push, settles = h.now.Add(span(arg)), false
	case "notices":
		h.mute, settles = arg == "off", false
	case "result":
		kind := enrollment.EffectKind(c.Args[0])
		id := world{Run: *h.load().Run}.pending(kind)
		h.renewal(h.resultEvent(kind, enrollment.Result{Effect: id, Outcome: enrollment.Outcome(c.Args[1])}))
	case "crash":
		h.lose = c.Has("result")
	case "tick":
		h.tick(span(arg))
	default:
		return "", fmt.Errorf("nobody knows this command")
	}
	if settles {
		h.settle()
	}
	return h.told(c), nil
}

func (h *scriptHost) server(c machinetest.Command) {
	r := h.load()
	if in := c.Value("token", ""); in != "" {
		r.Server = pinned()
		r.Server.Token.Expires = h.now.Add(span(in))
		h.watched(&r.Watch, renewal.CredentialActivated{Generation: 1, Expires: r.Server.Token.Expires, Verified: true})
	}
	h.save(r)
}

func (h *scriptHost) start() error {
	r := h.load()
	if r.Run != nil && r.Run.Live() {
		h.renewal(renewal.StartRequested{By: tess})
		return nil
	}
	tr, err := renewal.Start(policy, h.now, renewal.Request{
		ID: "rnw_1", Server: r.Server, Health: r.Watch.Health(policy, h.now), By: tess,
	})
	if err != nil {
		return err
	}
	r.Run = &tr.Renewal
	h.save(r)
	return nil
}

func (h *scriptHost) file(c machinetest.Command) renewal.Candidate {
	up := tokenOf(c.Args[0], 0)
	up.Expires = noon.Add(span(c.Value("expires", "365d")))
	up.ConsumerKey = c.Value("consumer", up.ConsumerKey)
	return up
}

func (h *scriptHost) adopt(up renewal.Candidate) {
	r := h.load()
	r.Server.Token = &enrollment.Token{
		Generation: r.Server.Generation() + 1, Secret: up.Secret, Fingerprint: up.Fingerprint, ConsumerKey: up.ConsumerKey, Expires: up.Expires,
	}
	h.watched(&r.Watch, renewal.CredentialActivated{Generation: r.Server.Token.Generation, Expires: up.Expires})
	h.save(r)
	h.renewal(renewal.TokenReplaced{Server: r.Server})
}

// tick lets time pass from wake to wake.
func (h *scriptHost) tick(d time.Duration) {
	h.pass(d, h.settle, func(r record) time.Time { return sooner(r.Watch.Wake(), r.Run, r.Run != nil) })
}

// told is what the reader of a script sees of a command.
func (h *scriptHost) told(c machinetest.Command) string {
	r := h.load()
	said := h.heard(c) + fmt.Sprintf("  day %s: token %s", days(h.now.Sub(noon)), r.Watch.Health(policy, h.now))
	if run := r.Run; run != nil {
		said += h.standing(string(run.State), run.Pending, run.Wake(), run.Problem, run.Warnings)
	}
	return said
}
