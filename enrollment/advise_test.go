package enrollment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/abmrenew/abmrenew/enrollment"
)

var known = [...]enrollment.Known{enrollment.Yes, enrollment.No, enrollment.NotKnown}

// fact is one column of the truth table.
type fact struct {
	name string
	of   func(*enrollment.Situation) *enrollment.Known
	ask  enrollment.Question // empty: the library knows it by itself
}

// facts, the one first that decides most.
var facts = [...]fact{
	{"portal", func(s *enrollment.Situation) *enrollment.Known { return &s.PortalAccess }, enrollment.AskPortalAccess},
	{"service", func(s *enrollment.Situation) *enrollment.Known { return &s.ServiceExists }, enrollment.AskServiceExists},
	{"key", func(s *enrollment.Situation) *enrollment.Known { return &s.KeyHeld }, ""},
	{"changes", func(s *enrollment.Situation) *enrollment.Known { return &s.MDMChanges }, enrollment.AskMDMChanges},
	{"capable", func(s *enrollment.Situation) *enrollment.Known { return &s.Capable }, enrollment.AskCapable},
	{"manages", func(s *enrollment.Situation) *enrollment.Known { return &s.MDMManages }, enrollment.AskMDMManages},
}

// situations gives every combination of the facts.
func situations(yield func(enrollment.Situation)) {
	var walk func(s enrollment.Situation, rest []fact)
	walk = func(s enrollment.Situation, rest []fact) {
		if len(rest) == 0 {
			yield(s)
			return
		}
		for _, value := range known {
			*rest[0].of(&s) = value
			walk(s, rest[1:])
		}
	}
	walk(enrollment.Situation{}, facts[:])
}

// The table of every combination, where "-" stands for any value of a fact that makes no difference there. It was
// compared by hand with the order of least harm: keep the service, then reassign, migrate, wipe, erase by hand.
func TestAdviseTruthTable(t *testing.T) {
	var b strings.Builder
	for _, f := range facts {
		fmt.Fprintf(&b, "%-9s", f.name)
	}
	b.WriteString("advice               ask\n")
	var rows func(s enrollment.Situation, column int, row string) []string
	rows = func(s enrollment.Situation, column int, row string) []string {
		if column == len(facts) {
			c := enrollment.Advise(s)
			return []string{strings.TrimRight(fmt.Sprintf("%-20s %s", c.Advice, strings.Trim(fmt.Sprint(c.Ask), "[]")), " ")}
		}
		var out, first []string
		same := true
		for i, value := range known {
			*facts[column].of(&s) = value
			below := rows(s, column+1, row)
			if i == 0 {
				first = below
			}
			same = same && slices.Equal(first, below)
			shown := map[enrollment.Known]string{enrollment.NotKnown: "?"}[value] + string(value)
			for _, line := range below {
				out = append(out, fmt.Sprintf("%-9s", shown)+line)
			}
		}
		if same {
			out = nil
			for _, line := range first {
				out = append(out, "-        "+line)
			}
		}
		return out
	}
	for _, line := range rows(enrollment.Situation{}, 0, "") {
		b.WriteString(line + "\n")
	}
	golden(t, "testdata/advise.golden", b.String())
}

// The rows of the table from which the advice was designed.
func TestAdviseKeepsItsPromises(t *testing.T) {
	seen := map[enrollment.Advice]int{}
	situations(func(s enrollment.Situation) {
		c := enrollment.Advise(s)
		seen[c.Advice]++
		assert.NotEmpty(t, c.Why, s)
		gone, changes := s.ServiceExists == enrollment.No, s.MDMChanges == enrollment.Yes
		stuck, lost := s.Capable == enrollment.No, s.MDMManages == enrollment.No
		var want enrollment.Advice
		switch {
		case s.PortalAccess == enrollment.No: // everything else needs the portal
			want = enrollment.AdviseFindAdministrator
		case !gone && s.KeyHeld == enrollment.No: // a lost key touches no device
			want = enrollment.AdviseReplaceCertificate
		case !gone:
			want = enrollment.AdviseRenew
		case !stuck && (changes || lost && s.MDMChanges == enrollment.NotKnown):
			want = enrollment.AdviseMigrate
		case lost:
			want = enrollment.AdviseHands
		case changes && stuck:
			want = enrollment.AdviseWipe
		default:
			want = enrollment.AdviseReassign
		}
		assert.Equal(t, want, c.Advice, "%+v", s)
	})
	assert.Len(t, seen, 7, "every advice is given in some situation: %v", seen)
}

// harm is the order of the advices: what touches no device, what moves it, what erases it, and what helps nobody yet.
var harm = map[enrollment.Advice]int{
	enrollment.AdviseRenew: 0, enrollment.AdviseReplaceCertificate: 1, enrollment.AdviseReassign: 2,
	enrollment.AdviseMigrate: 3, enrollment.AdviseWipe: 4, enrollment.AdviseHands: 5, enrollment.AdviseFindAdministrator: 6,
}

// Nothing is advised on a bad guess: for each fact that nobody stated, the advice is the less harmful of the two that
// its answers would give.
func TestAdviseAssumesTheHarmless(t *testing.T) {
	situations(func(s enrollment.Situation) {
		for _, f := range facts {
			if *f.of(&s) != enrollment.NotKnown {
				continue
			}
			yes, no := s, s
			*f.of(&yes), *f.of(&no) = enrollment.Yes, enrollment.No
			least := min(harm[enrollment.Advise(yes).Advice], harm[enrollment.Advise(no).Advice])
			assert.Equal(t, least, harm[enrollment.Advise(s).Advice], "%s of %+v", f.name, s)
		}
	})
}

// A fact is asked for exactly if it is not known and its answer would change the advice.
func TestAdviseAsksForWhatMatters(t *testing.T) {
	situations(func(s enrollment.Situation) {
		c := enrollment.Advise(s)
		for _, f := range facts {
			if f.ask == "" {
				continue
			}
			yes, no := s, s
			*f.of(&yes), *f.of(&no) = enrollment.Yes, enrollment.No
			matters := *f.of(&s) == enrollment.NotKnown &&
				(enrollment.Advise(yes).Advice != c.Advice || enrollment.Advise(no).Advice != c.Advice)
			assert.Equal(t, matters, slices.Contains(c.Ask, f.ask), "%s of %+v", f.name, s)
		}
		assert.IsNonDecreasing(t, ranks(c.Ask), "the most important question first: %v", c.Ask)
	})
}

func ranks(asked []enrollment.Question) []int {
	out := []int{-1}
	for _, q := range asked {
		out = append(out, slices.IndexFunc(facts[:], func(f fact) bool { return f.ask == q }))
	}
	return out
}

func TestKnownOfANullIsNotKnown(t *testing.T) {
	yes, no := true, false
	assert.Equal(t, enrollment.Yes, enrollment.KnownOf(&yes))
	assert.Equal(t, enrollment.No, enrollment.KnownOf(&no))
	assert.Equal(t, enrollment.NotKnown, enrollment.KnownOf(nil))
}
