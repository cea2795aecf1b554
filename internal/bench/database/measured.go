package database

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Measured is what was measured at one time.
type Measured struct {
	Origin  string   `json:"origin"` // when, where and under what circumstances
	Figures []Figure `json:"figures"`
}

// Figure is ours beside something else.
type Figure struct {
	Name    string  `json:"name"`
	Ours    string  `json:"ours"`
	Beside  string  `json:"beside"`
	Ratio   float64 `json:"ratio"`             // of the fastest rounds
	Typical float64 `json:"typical,omitempty"` // the median of the rounds' ratios; zero: there are no rounds
	AtLeast float64 `json:"at_least,omitempty"`
	AtMost  float64 `json:"at_most,omitempty"`
}

// Met reports whether the goal is met; a figure may have none.
func (f Figure) Met() bool {
	return (f.AtLeast == 0 || f.Ratio >= f.AtLeast) && (f.AtMost == 0 || f.Ratio <= f.AtMost)
}

// goal is the goal in words, and reached how far it is reached: 1 is the goal itself, more is better.
func (f Figure) goal() (words string, reached float64) {
	switch {
	case f.AtLeast > 0:
		return fmt.Sprintf("at least %.2f", f.AtLeast), f.Ratio / f.AtLeast
	case f.AtMost > 0:
		return fmt.Sprintf("at most %.2f", f.AtMost), f.AtMost / f.Ratio
	}
	return "", 0
}

//go:embed measured.json
var kept []byte

// Kept is what was measured last, by somebody who had the time for it.
func Kept() (Measured, error) {
	var m Measured
	err := json.Unmarshal(kept, &m)
	return m, err
}

// Rounded has ratios of three digits behind the point, because there is no truth in more.
func (m Measured) Rounded() Measured {
	m.Figures = slices.Clone(m.Figures)
	for i := range m.Figures {
		f := &m.Figures[i]
		f.Ratio, f.Typical = math.Round(1000*f.Ratio)/1000, math.Round(1000*f.Typical)/1000
	}
	return m
}

// JSON is the form in which it is kept.
func (m Measured) JSON() []byte {
	text, _ := json.MarshalIndent(m, "", "\t") // of strings and finite numbers: it cannot fail
	return append(text, '\n')
}

// rounds are the times of two sides, in seconds, each round beside the other.
type rounds struct{ ours, other []float64 }

// share is the part of the other's speed that ours has.
func (r rounds) share() (ratio, typical float64) {
	var ratios []float64
	for i := range r.ours {
		ratios = append(ratios, r.other[i]/r.ours[i])
	}
	slices.Sort(ratios)
	return slices.Min(r.other) / slices.Min(r.ours), ratios[len(ratios)/2]
}

// perSecond says how many of what are done in a second, by the fastest round.
func perSecond(n int, what string, seconds []float64) string {
	return fmt.Sprintf("%.0f %s/s", float64(n)/slices.Min(seconds), what)
}
