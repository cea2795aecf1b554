package migration

import "github.com/abmrenew/abmrenew/enrollment"

// Target is the new service of a plan as it is known when something depends on it.
type Target struct {
	Name    string
	Health  enrollment.Health // of its server token
	Profile string            // UUID of the enrollment profile that it was seen to have; empty: none
}

// wrong says why devices cannot go there; nil: they can. Terms that wait to be accepted, and silence of Apple's, pass.
func (t Target) wrong(r Route) *enrollment.Problem {
	switch {
	case t.Health == enrollment.Rejected:
		return enrollment.NewProblem(enrollment.CodeTargetRejected, "service", t.Name)
	case t.Health == enrollment.Missing, t.Health == enrollment.Expired, t.Health == "":
		return enrollment.NewProblem(enrollment.CodeTargetNoToken, "service", t.Name)
	case t.Profile == "", enrollment.NormalUUID(t.Profile) != enrollment.NormalUUID(r.Profile):
		return enrollment.NewProblem(enrollment.CodeTargetNoProfile, "service", t.Name)
	}
	return nil
}
