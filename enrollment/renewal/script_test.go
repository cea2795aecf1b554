package renewal_test

import (
	"fmt"
	"strconv"
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
		r.watch(h, renewal.CredentialActivated{Generation: 1, Expires: r.Server.Token.Expires, Verified: true})
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
	r.watch(h, renewal.CredentialActivated{Generation: r.Server.Token.Generation, Expires: up.Expires})
	h.save(r)
	h.renewal(renewal.TokenReplaced{Server: r.Server})
}

// tick lets time pass from wake to wake.
func (h *scriptHost) tick(d time.Duration) {
	for end := h.now.Add(d); ; {
		h.settle()
		r := h.load()
		next := r.Watch.Wake()
		if r.Run != nil {
			if wake := r.Run.Wake(); next.IsZero() || !wake.IsZero() && wake.Before(next) {
				next = wake
			}
		}
		if next.IsZero() || next.After(end) {
			h.now = end
			return
		}
		h.now = next
	}
}

// told is what the reader of a script sees of a command.
func (h *scriptHost) told(c machinetest.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(c.Name+" "+strings.Join(c.Args, " ")))
	for i := 0; i < len(h.said); i++ {
		n := 1
		for i+1 < len(h.said) && h.said[i+1] == h.said[i] {
			n, i = n+1, i+1
		}
		fmt.Fprintf(&b, "  %s", h.said[i])
		if n > 1 {
			fmt.Fprintf(&b, " x%d", n)
		}
		b.WriteByte('\n')
	}
	r := h.load()
	fmt.Fprintf(&b, "  day %s: token %s", days(h.now.Sub(noon)), r.Watch.Health(policy, h.now))
	if run := r.Run; run != nil {
		fmt.Fprintf(&b, "; renewal %s", run.State)
		for _, x := range run.Pending {
			fmt.Fprintf(&b, ", pending %s in %v", x.Kind, max(0, x.NotBefore.Sub(h.now)).Round(time.Second))
		}
		if wake := run.Wake(); !wake.IsZero() {
			fmt.Fprintf(&b, ", wakes in %v", wake.Sub(h.now).Round(time.Second))
		}
		if run.Problem != nil {
			fmt.Fprintf(&b, ", problem %s", run.Problem.Code)
		}
		for _, w := range run.Warnings {
			fmt.Fprintf(&b, ", warning %s", w.Code)
		}
	}
	return b.String()
}

// span reads "3d", "1h30m".
func span(text string) time.Duration {
	if n, found := strings.CutSuffix(text, "d"); found {
		if days, err := strconv.Atoi(n); err == nil {
			return time.Duration(days) * day
		}
	}
	d, _ := time.ParseDuration(text)
	return d
}

func days(d time.Duration) string {
	return strings.TrimSuffix(strconv.FormatFloat(d.Hours()/24, 'f', 1, 64), ".0")
}
