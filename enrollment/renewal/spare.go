package renewal

import (
	"slices"

	"github.com/abmrenew/abmrenew/enrollment"
)

// maxSpares bounds the tokens that wait behind the candidate.
const maxSpares = 3

// setAside keeps a candidate that a newer token takes the place of before Apple has judged both. Should the newer one
// turn out to be of another service, the earlier may still be the only living one.
func (s *step) setAside(c *Candidate) {
	if c == nil {
		return
	}
	// The candidate always expires last, so the newest spare is the last of them.
	s.Spares = append(s.Spares[:len(s.Spares):len(s.Spares)], *c)
	if len(s.Spares) > maxSpares {
		s.dropSecret(&s.Spares[0])
		s.Spares = slices.Clone(s.Spares[1:])
	}
}

// dropSpares lets go of all tokens that wait behind the candidate.
func (s *step) dropSpares() {
	for i := range s.Spares {
		s.dropSecret(&s.Spares[i])
	}
	s.Spares = nil
}

// fallBack goes on after the candidate was refused: with the newest token that waits behind it, else with waiting for
// another file. The problem shows in both cases.
func (s *step) fallBack(problem *enrollment.Problem) {
	for n := len(s.Spares); n > 0; n = len(s.Spares) {
		spare := s.Spares[n-1]
		s.Spares = slices.Clone(s.Spares[:n-1])
		if s.now.Before(spare.Expires) {
			s.verify(spare)
			s.Problem = problem
			return
		}
		s.dropSecret(&spare)
	}
	s.Spares = nil
	s.awaitUpload(problem)
}

// keepRefused keeps a token that Apple refused, for a recheck until the next file or the end. Of several, that is the one
// that expires last: the newest download, and the only one that may still live.
func (s *step) keepRefused(c *Candidate) {
	if r := s.Refused; r != nil && r.Expires.After(c.Expires) {
		s.dropSecret(c)
		return
	}
	s.dropSecret(s.Refused)
	s.Refused = c
}
