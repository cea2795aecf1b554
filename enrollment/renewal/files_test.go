package renewal_test

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// tokenOf is an uploaded token that expires so long after the beginning.
func tokenOf(name string, expires time.Duration) renewal.Candidate {
	return renewal.Candidate{
		Secret: "tok_" + name, Fingerprint: "fp_" + name, ConsumerKey: "CK_1", KeyID: "key_1", Expires: noon.Add(expires),
	}
}

// newToken is the token that stories are about: it becomes the candidate first.
func newToken() renewal.Candidate { return tokenOf("new", year) }

func (w world) upload(c renewal.Candidate) renewal.TokenUploaded {
	return renewal.TokenUploaded{By: tess, Token: c, Server: w.Server}
}

// again is the present candidate in a second upload, or the new token if there is none.
func (w world) again() renewal.Candidate {
	c := newToken()
	if w.Run.Candidate != nil {
		c = *w.Run.Candidate
	}
	c.Secret = "tok_again"
	return c
}

// files are the uploads.
func files() []event {
	up := func(name string, of func(w world) renewal.TokenUploaded) event {
		return asked("upload: "+name, func(w world) renewal.Event { return of(w) })
	}
	plain := func(name string, c renewal.Candidate) event {
		return up(name, func(w world) renewal.TokenUploaded { return w.upload(c) })
	}
	active := tokenOf("active", 20*day)
	return []event{
		plain("the newest", tokenOf("newest", year+30*day)),
		up("the newest, confirmed", func(w world) renewal.TokenUploaded {
			ev := w.upload(tokenOf("newest", year+30*day))
			ev.Confirmed = true
			return ev
		}),
		up("the newest, confirmed by a key", func(w world) renewal.TokenUploaded {
			ev := w.upload(tokenOf("newest", year+30*day))
			ev.By, ev.Confirmed = robot, true
			return ev
		}),
		up("the newest, with another consumer key", func(w world) renewal.TokenUploaded {
			ev := w.upload(tokenOf("newest", year+30*day))
			ev.Token.ConsumerKey = "CK_2"
			return ev
		}),
		up("the candidate again", func(w world) renewal.TokenUploaded { return w.upload(w.again()) }),
		up("the candidate again, confirmed", func(w world) renewal.TokenUploaded {
			ev := w.upload(w.again())
			ev.Confirmed = true
			return ev
		}),
		plain("older than the candidate", tokenOf("between", 300*day)),
		plain("as old as the active one", tokenOf("twin", 20*day)),
		plain("the active one again", active),
		plain("older than the active one", tokenOf("old", 10*day)),
		plain("expired", tokenOf("expired", -day)),
		up("for a retired server", func(w world) renewal.TokenUploaded {
			ev := w.upload(newToken())
			ev.Server.RetiredAt = noon
			return ev
		}),
		asked("upload_refused: damaged", func(world) renewal.Event {
			return renewal.UploadRefused{By: tess, Problem: enrollment.NewProblem(enrollment.CodeCannotDecrypt)}
		}),
		asked("upload_refused: without a reason", func(world) renewal.Event { return renewal.UploadRefused{By: tess} }),
	}
}

// verdicts are what Apple may answer about the candidate.
func verdicts() []event {
	said := func(name string, fill func(w world, ev *renewal.Verified)) event {
		return fact("verified: "+name, func(w world) renewal.Event {
			ev := renewal.Verified{
				Result:  enrollment.Result{Effect: w.pending(enrollment.VerifyToken), Outcome: enrollment.OK},
				Account: account(), Server: w.Server,
			}
			fill(w, &ev)
			return ev
		})
	}
	no := func(name string, outcome enrollment.Outcome, problem enrollment.Code) event {
		return said(name, func(_ world, ev *renewal.Verified) {
			ev.Account, ev.Outcome = enrollment.Account{}, outcome
			if problem != "" {
				ev.Problem = enrollment.NewProblem(problem)
			}
		})
	}
	late := said("too late", func(world, *renewal.Verified) {})
	late.Late = func(w world, now time.Time) time.Duration { return max(0, w.again().Expires.Sub(now)) }
	return []event{
		late,
		said("the same identity", func(world, *renewal.Verified) {}),
		said("a new name", func(_ world, ev *renewal.Verified) { ev.Account.ServerName = "Acme UEM" }),
		said("another administrator", func(_ world, ev *renewal.Verified) { ev.Account.AdminID = "ana@acme.example" }),
		said("another organization", func(_ world, ev *renewal.Verified) { ev.Account.OrgID = "43" }),
		said("another service", func(_ world, ev *renewal.Verified) { ev.Account.ServerUUID = "C0FFEE" }),
		said("a service of another server", func(_ world, ev *renewal.Verified) {
			ev.Owner = &renewal.Owner{Server: "srv_2", Name: "Second MDM"}
		}),
		said("a service of another tenant", func(_ world, ev *renewal.Verified) { ev.Owner = &renewal.Owner{Server: "srv_9"} }),
		said("no service named", func(_ world, ev *renewal.Verified) { ev.Account.ServerUUID = "" }),
		said("the server is retired meanwhile", func(_ world, ev *renewal.Verified) { ev.Server.RetiredAt = noon }),
		said("the server has it by now", func(w world, ev *renewal.Verified) {
			c := w.again()
			ev.Server.Token = &enrollment.Token{Generation: 2, Secret: "tok_adopted", Fingerprint: c.Fingerprint, Expires: c.Expires}
		}),
		said("the server has a newer one by now", func(_ world, ev *renewal.Verified) {
			ev.Server.Token = &enrollment.Token{Generation: 2, Secret: "tok_adopted", Fingerprint: "fp_adopted", Expires: noon.Add(2 * year)}
		}),
		no("rejected", enrollment.Fatal, enrollment.CodeRejected),
		no("access denied", enrollment.Fatal, enrollment.CodeAccessDenied),
		no("terms pending", enrollment.Fatal, enrollment.CodeTermsPending),
		no("unreachable", enrollment.Retry, enrollment.CodeUnreachable),
		no("lost answer", enrollment.Unknown, ""),
		no("failed without a reason", enrollment.Fatal, ""),
		said("stale", func(_ world, ev *renewal.Verified) { ev.Effect = "rnw_1/0/stale" }),
	}
}
