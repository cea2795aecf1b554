package migration_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
	"github.com/abmrenew/abmrenew/internal/machinetest"
)

// Long stories of a batch, told by scripts. A command is the name of an event as the matrix has it, or one of these:
//
//	batch KIND [manual]  a new batch of four devices
//	looks WHAT           what the new service shows from now on: the end of the name of an event, as all others
//	spends WHAT          whether there is a call in the hour's budget
//	posts WHAT           what becomes of a call about assignments; "never": whoever was granted it crashes before
//	asked WHAT           where the activity stands
//	profiles WHAT        what becomes of a call that assigns profiles
//	wait 3d|2h|5m        time passes; what falls due is done
//
// Below a command stand what the batch made of it, how its devices stand, what it waits for, and its state.
func TestBatchScripts(t *testing.T) {
	machinetest.Scripts(t, "testdata/scripts/batch_*.txt", func() func(machinetest.Command) (string, error) {
		h := &batchHost{world: world{now: noon}, post: "posted: running", answers: map[enrollment.EffectKind]string{
			enrollment.LookUp: "looked: none is there", enrollment.SpendPost: "post_spent: granted",
			enrollment.AskActivity: "activity_asked: completed", enrollment.AssignProfiles: "profiles_assigned: all", enrollment.SendNotice: "notified",
		}}
		return h.command
	})
}

// world is what hosts of scripts have in common: a clock, and what was said.
type world struct {
	now  time.Time
	said []string
}

// moved says what a step did, but for what is written into the audit, and that devices were seen as they were seen before.
func (w *world) moved(from, to string, notes []string) {
	notes = slices.DeleteFunc(notes, func(n string) bool { return strings.HasPrefix(n, "audits") || strings.HasSuffix(n, "read_back") })
	if from != to {
		notes = append([]string{from + " -> " + to}, notes...)
	}
	if line := strings.Join(notes, ", "); line != "" && (len(w.said) == 0 || w.said[len(w.said)-1] != line) {
		w.said = append(w.said, line)
	}
}

// pass lets time pass from wake to wake, and has act do what is due.
func (w *world) pass(text string, act func() error, wake func() time.Time) error {
	unit := map[byte]time.Duration{'d': day, 'h': hour, 'm': minute}[text[len(text)-1]]
	var n int
	if _, err := fmt.Sscan(text[:len(text)-1], &n); err != nil {
		return err
	}
	for until := w.now.Add(time.Duration(n) * unit); ; {
		if err := act(); err != nil {
			return err
		}
		next := wake()
		if next.IsZero() || next.After(until) {
			w.now = until
			return nil
		}
		if next.After(w.now) {
			w.now = next
		}
	}
}

type batchHost struct {
	world
	b       migration.Batch
	answers map[enrollment.EffectKind]string // the names of events
	post    string
}

func (h *batchHost) command(c machinetest.Command) (string, error) {
	h.said = nil
	rest := strings.Join(c.Args, " ")
	var err error
	switch c.Name {
	case "batch":
		var tr migration.BatchTransition
		tr, err = migration.StartBatch(policy, h.now, batchRequest(enrollment.AssignmentKind(c.Args[0]), func(q *migration.BatchRequest) {
			q.Manual = c.Has("manual")
		}))
		h.b = tr.Batch
	case "looks":
		h.answers[enrollment.LookUp] = "looked: " + rest
	case "spends":
		h.answers[enrollment.SpendPost] = "post_spent: " + rest
	case "posts":
		h.post = "posted: " + rest
	case "asked":
		h.answers[enrollment.AskActivity] = "activity_asked: " + rest
	case "profiles":
		h.answers[enrollment.AssignProfiles] = "profiles_assigned: " + rest
	case "wait":
		err = h.pass(rest, h.act, func() time.Time { return h.b.Wake() })
	default:
		err = h.named(strings.Join(append([]string{c.Name}, c.Args...), " "))
	}
	if err != nil {
		h.said = append(h.said, enrollment.ProblemOf(err).Error())
	}
	return "  " + strings.Join(append(h.said, h.stands()), "\n  "), nil
}

// stands is where the batch stands.
func (h *batchHost) stands() string {
	line := fmt.Sprintf("day %d, %s: %s", int(h.now.Sub(noon)/day), h.now.Format("15:04"), h.b.State)
	for _, stage := range []migration.BatchStage{migration.StageMissing, migration.StageSeen, migration.StageGiven, migration.StageDone, migration.StageRefused} {
		if n := h.b.Count(stage); n > 0 {
			line += fmt.Sprintf(", %d %s", n, stage)
		}
	}
	if waits := h.b.Waiting(); waits.Why != "" {
		line += ", waits for " + string(waits.Why)
	}
	return line
}

// act does what is due.
func (h *batchHost) act() error {
	if err := h.take(migration.BatchTicked{}); err != nil {
		return err
	}
	for _, x := range h.b.Due(h.now) {
		if err := h.named(h.answers[x.Kind]); err != nil {
			return err
		}
	}
	return nil
}

func (h *batchHost) named(name string) error {
	all := batchEvents()
	i := slices.IndexFunc(all, func(ev batchEvent) bool { return ev.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no event %q", name)
	}
	return h.take(all[i].Of(h.b, h.now))
}

// take tells the batch; a call that it grants is made at once.
func (h *batchHost) take(ev migration.BatchEvent) error {
	tr, err := h.b.Step(policy, h.now, ev)
	if err != nil || !tr.Moved {
		return err
	}
	h.moved(string(h.b.State), string(tr.Batch.State), batchNotes(h.b, tr))
	h.b = tr.Batch
	if tr.Post != nil && h.post != "posted: never" {
		return h.named(h.post)
	}
	return nil
}
