package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/axm"
	"github.com/abmrenew/abmrenew/enrollment/dep"
)

// appleTrouble puts what a client of Apple's services says into the one vocabulary: what Apple refused, or that it gave no
// usable answer. server is whose token was used, if one was.
func appleTrouble(err error, server enrollment.Server) *enrollment.Problem {
	if err == nil {
		return nil
	}
	if told, is := errors.AsType[*enrollment.Problem](err); is { // of the store, or of a token that is missing
		return told
	}
	is := func(targets ...error) bool {
		return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
	}
	says := withoutName(err.Error())
	reason := " (" + says + ")"
	refused := func(next string) *enrollment.Problem {
		return enrollment.NewProblem(enrollment.CodeAppleRefused, "reason", reason, "next", next).Because(err)
	}
	switch {
	case is(abmtoken.ErrRejected):
		return enrollment.NewProblem(enrollment.CodeRejected, "reason", reason, "admin", server.Admin).Because(err)
	case is(abmtoken.ErrTermsPending):
		return enrollment.NewProblem(enrollment.CodeTermsPending, "organization", server.Pin.OrgName).Because(err)
	case is(abmtoken.ErrAccessDenied):
		return enrollment.NewProblem(enrollment.CodeAccessDenied, "reason", reason).Because(err)
	case is(axm.ErrUnauthorized):
		return refused("See at Apple's portal whether the API account still exists, and has this client ID and key; then give it anew: abmctl api-account add")
	case is(axm.ErrForbidden):
		return refused("See at Apple's portal what the API account may do")
	case is(axm.ErrNoServer):
		return refused("See whether the API account belongs to the organization of this server: abmctl api-account check")
	case is(dep.ErrRequest, dep.ErrNotFound, axm.ErrRequest, axm.ErrConflict, axm.ErrNotFound):
		return refused("Change what Apple names, then repeat it")
	case is(dep.ErrInput, axm.ErrInput):
		return wrong("file", says).Because(err)
	}
	problem := enrollment.NewProblem(enrollment.CodeUnreachable, "reason", reason).Because(err)
	problem.Next = "Nothing was changed here; repeat it later"
	return problem
}

// withoutName leaves the name of the package out that says it.
func withoutName(text string) string {
	return strings.TrimPrefix(strings.TrimPrefix(text, "axm: "), "dep: ")
}
