package renewal_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
	"github.com/abmrenew/abmrenew/internal/machinetest"
	"github.com/abmrenew/abmrenew/internal/outbox"
)

// diary is what the hosts of all scripts have: a store of one record, which is all that survives a crash, a clock, and what
// happened by the last command.
type diary[R any] struct {
	t     testing.TB
	store []byte
	now   time.Time
	mute  bool // nobody takes notices
	lose  bool // the next result is lost in a crash
	said  []string
}

func (d *diary[R]) load() R {
	var r R
	require.NoError(d.t, json.Unmarshal(d.store, &r))
	return r
}

func (d *diary[R]) save(r R) {
	var err error
	d.store, err = json.Marshal(r)
	require.NoError(d.t, err)
}

func (d *diary[R]) say(format string, args ...any) {
	d.said = append(d.said, fmt.Sprintf(format, args...))
}

// stepped tells what a step of a renewal gave, and reports whether there is something to store.
func (d *diary[R]) stepped(ev interface{ Name() renewal.EventName }, moved bool, refused *enrollment.Problem, err error) bool {
	switch {
	case err != nil:
		d.say("REFUSED: %s", enrollment.ProblemOf(err).Code)
		return false
	case !moved:
		if !strings.HasPrefix(string(ev.Name()), "tick") {
			d.say("%s is ignored", ev.Name())
		}
		return false
	case refused != nil:
		d.say("not taken: %s", refused.Code)
	}
	return true
}

// changed tells that a word became another one.
func (d *diary[R]) changed(of string, was, is any) {
	if was != is {
		d.say("%s%v -> %v", of, was, is)
	}
}

func (d *diary[R]) dropped(secrets []string) {
	if len(secrets) > 0 {
		d.say("drops %s", strings.Join(secrets, ", "))
	}
}

// watched feeds one event to a watch.
func (d *diary[R]) watched(w *renewal.Watch, ev renewal.WatchEvent) {
	was := w.Health(policy, d.now)
	tr, err := w.Step(policy, d.now, ev)
	if err != nil {
		d.say("REFUSED: %s", enrollment.ProblemOf(err).Code)
	}
	*w = tr.Watch
	d.changed("health ", was, w.Health(policy, d.now))
}

// settle does what is due, until nothing is.
func (d *diary[R]) settle(tick func(), due func(R) (ofRenewal, ofWatch []enrollment.Effect), do func(x enrollment.Effect, ofRenewal bool)) {
	for steps := 0; ; steps++ {
		require.Less(d.t, steps, 1000, "it does not come to rest: %s", d.store)
		tick()
		ofRenewal, ofWatch := due(d.load())
		switch {
		case len(ofRenewal) > 0:
			do(ofRenewal[0], true)
		case len(ofWatch) > 0:
			do(ofWatch[0], false)
		default:
			return
		}
	}
}

// pass settles, and goes on to the next time that something wakes, until a duration has passed.
func (d *diary[R]) pass(span time.Duration, settle func(), wake func(R) time.Time) {
	for end := d.now.Add(span); ; {
		settle()
		next := wake(d.load())
		if next.IsZero() || next.After(end) {
			d.now = end
			return
		}
		d.now = next
	}
}

// lost reports whether a result gets lost in a crash.
func (d *diary[R]) lost() bool {
	if !d.lose {
		return false
	}
	d.lose = false
	d.say("CRASH: the result is lost")
	return true
}

// notice tells a notice, and that nobody took it where they are off.
func (d *diary[R]) notice(n *enrollment.Notice, result *enrollment.Result) {
	said := "notice " + string(n.Kind)
	switch {
	case n.Cleared:
		said += " cleared"
	case n.Kind == enrollment.NoticeExpiry:
		said += fmt.Sprintf(", %d days", n.Days)
		fallthrough
	case n.Problem != nil:
		if n.Problem != nil {
			said += ": " + string(n.Problem.Code)
		}
	}
	if d.mute {
		result.Outcome = enrollment.Retry
		said += " (not delivered)"
	}
	d.say("%s", said)
}

// asked tells that a question was asked. Between other news, repeated ones are counted.
func (d *diary[R]) asked(line string) {
	for i := len(d.said) - 1; i >= 0; i-- {
		text, times, counted := strings.Cut(d.said[i], " x")
		if text == line {
			n := 1
			if counted {
				n, _ = strconv.Atoi(times)
			}
			d.said[i] = fmt.Sprintf("%s x%d", line, n+1)
			return
		}
		if !strings.Contains(d.said[i], "_token: ") && !strings.Contains(d.said[i], "_push: ") {
			break
		}
	}
	d.say("%s", line)
}

// heard repeats a command and what happened by it; what was said several times in a row is counted.
func (d *diary[R]) heard(c machinetest.Command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", strings.TrimSpace(c.Name+" "+strings.Join(c.Args, " ")))
	for i := 0; i < len(d.said); i++ {
		n := 1
		for i+1 < len(d.said) && d.said[i+1] == d.said[i] {
			n, i = n+1, i+1
		}
		fmt.Fprintf(&b, "  %s", d.said[i])
		if n > 1 {
			fmt.Fprintf(&b, " x%d", n)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// standing tells where a renewal stands.
func (d *diary[R]) standing(state string, pending []enrollment.Effect, wake time.Time, problem *enrollment.Problem, warnings []enrollment.Problem) string {
	said := "; renewal " + state
	for _, x := range pending {
		said += fmt.Sprintf(", pending %s in %v", x.Kind, max(0, x.NotBefore.Sub(d.now)).Round(time.Second))
	}
	if !wake.IsZero() {
		said += fmt.Sprintf(", wakes in %v", wake.Sub(d.now).Round(time.Second))
	}
	if problem != nil {
		said += ", problem " + string(problem.Code)
	}
	for _, w := range warnings {
		said += ", warning " + string(w.Code)
	}
	return said
}

// sooner is the earliest of two wakes; the second is that of a renewal, if there is one.
func sooner(watch time.Time, run interface{ Wake() time.Time }, under bool) time.Time {
	if !under {
		return watch
	}
	return outbox.Earliest(watch, run.Wake())
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
