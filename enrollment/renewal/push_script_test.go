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

// Long stories of a push certificate, its renewal and its watch, told by scripts:
//
//	push [certificate=20d]                     a customer, with a certificate that expires then
//	start | request | recheck | cancel | retire | check
//	upload NAME expires=365d [topic=other] [key=none]
//	bad CODE                                   a file that is no certificate
//	adopt NAME expires=365d                    the host puts a certificate in use itself
//	apple ok|refused|down|nobody               what Apple answers from now on; nobody: nobody can ask here
//	devices 120                                how many listen
//	notices on|off                             whether they are taken
//	crash                                      the result of the next effect is lost
//	tick 3d                                    time passes; what falls due is done
func TestPushScripts(t *testing.T) {
	t.Parallel()
	machinetest.Scripts(t, "testdata/scripts/push/*.txt", func() func(machinetest.Command) (string, error) {
		return newPushScriptHost(t).command
	})
}

func (h *pushScriptHost) command(c machinetest.Command) (string, error) {
	h.said = nil
	arg := strings.Join(c.Args, " ")
	settles := true
	switch c.Name {
	case "push":
		h.held(c.Value("certificate", ""))
	case "start":
		if err := h.start(); err != nil {
			return "", err
		}
	case "request":
		h.renewal(renewal.RequestTaken{By: tess})
	case "upload":
		h.renewal(renewal.CertificateUploaded{By: tess, Certificate: pushFile(c), Push: h.load().Push, Devices: h.devices})
	case "bad":
		h.renewal(renewal.UploadRefused{By: tess, Problem: enrollment.NewProblem(enrollment.Code(arg))})
	case "adopt":
		h.adopt(pushFile(c))
	case "recheck":
		h.renewal(renewal.RecheckRequested{By: tess})
	case "cancel":
		h.renewal(renewal.CancelRequested{By: tess})
	case "retire":
		r := h.load()
		r.Push.RetiredAt = h.now
		h.save(r)
		h.renewal(renewal.PushRetired{By: tess})
		h.watch(renewal.CredentialRetired{})
	case "check":
		h.watch(renewal.CheckRequested{By: tess})
	case "apple":
		h.apple, settles = strings.TrimPrefix(arg, "ok"), false
	case "devices":
		h.devices, _ = strconv.Atoi(arg)
		settles = false
	case "notices":
		h.mute, settles = arg == "off", false
	case "crash":
		h.lose, settles = true, false
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

func pushFile(c machinetest.Command) renewal.PushCandidate {
	up := pushOf(c.Args[0], span(c.Value("expires", "365d")))
	if c.Value("topic", "") == "other" {
		up.Topic = otherTopic
	}
	if c.Value("key", "") == "none" {
		up.KeyID = ""
	}
	return up
}

func (h *pushScriptHost) held(expires string) {
	if expires == "" {
		return // none yet
	}
	r := h.load()
	r.Push = pushHeld()
	r.Push.Certificate.Expires = h.now.Add(span(expires))
	h.watched(&r.Watch, renewal.CredentialActivated{Generation: 1, Expires: r.Push.Certificate.Expires, Verified: true})
	h.save(r)
}

func (h *pushScriptHost) start() error {
	r := h.load()
	if r.Run != nil && r.Run.Live() {
		h.renewal(renewal.StartRequested{By: tess})
		return nil
	}
	tr, err := renewal.StartPush(policy, h.now, renewal.PushRequest{ID: "rnw_1", Push: r.Push, By: tess})
	if err != nil {
		return err
	}
	r.Run = &tr.Renewal
	h.save(r)
	return nil
}

// adopt puts a certificate in use in another way, with everything that belongs into the same write.
func (h *pushScriptHost) adopt(up renewal.PushCandidate) {
	r := h.load()
	a, drop := r.Push.Replace(enrollment.PushCertificate{
		Generation: r.Push.Generation() + 1, Secret: up.Secret, Fingerprint: up.Fingerprint, Topic: up.Topic, Expires: up.Expires, KeyID: up.KeyID,
	}, h.now)
	r.Push = r.Push.Activated(a)
	h.dropped(drop)
	h.watched(&r.Watch, renewal.CredentialActivated{Generation: a.Certificate.Generation, Expires: up.Expires})
	h.save(r)
	h.renewal(renewal.PushReplaced{Push: r.Push})
}

// tick lets time pass from wake to wake.
func (h *pushScriptHost) tick(d time.Duration) {
	h.pass(d, h.settle, func(r pushRecord) time.Time { return sooner(r.Watch.Wake(), r.Run, r.Run != nil) })
}

// told is what the reader of a script sees of a command.
func (h *pushScriptHost) told(c machinetest.Command) string {
	r := h.load()
	inUse, kept := "none", ""
	if cert := r.Push.Certificate; cert != nil {
		inUse = strings.TrimPrefix(cert.Secret, "push_")
		if !cert.Proven() {
			inUse += " (not proven)"
		}
	}
	if old := r.Push.Previous; old != nil {
		kept = ", keeps " + strings.TrimPrefix(old.Secret, "push_")
	}
	said := h.heard(c) + fmt.Sprintf("  day %s: %s, in use %s%s", days(h.now.Sub(noon)), r.Watch.Health(policy, h.now), inUse, kept)
	if run := r.Run; run != nil {
		said += h.standing(string(run.State), run.Pending, run.Wake(), run.Problem, run.Warnings)
	}
	return said
}
