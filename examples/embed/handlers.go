package main

import (
	"errors"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/examples/embed/rmm"
)

// region call
// call is what a technician, whom the RMM has logged in, asks about a customer, for whom the RMM lets them work.
type call struct {
	rmm.Request
	*runner.Tenant
	by enrollment.Actor
}

// on adds a handler to the RMM's own. A problem is answered with the HTTP status of its code.
func on(app *rmm.App, r *runner.Runner, pattern string, do func(c call) (any, error)) {
	app.Handle(strings.Replace(pattern, " ", " /customers/{customer}/apple", 1), rmm.Technicians, func(q rmm.Request) (any, error) {
		by := enrollment.Actor{ID: q.Who.ID, Name: q.Who.Name, Kind: enrollment.Person, Source: q.RemoteAddr}
		answer, err := do(call{q, r.Tenant(enrollment.TenantID(q.Customer)), by})
		if p, is := errors.AsType[*enrollment.Problem](err); is {
			status, _ := p.Code.Status()
			return nil, &rmm.Error{Status: status, Code: string(p.Code), Message: p.Error(), Details: answer}
		}
		return answer, err
	})
}

func (c call) server() enrollment.ServerID   { return enrollment.ServerID(c.PathValue("server")) }
func (c call) renewal() enrollment.RenewalID { return enrollment.RenewalID(c.PathValue("renewal")) }
func (c call) planID() enrollment.PlanID     { return enrollment.PlanID(c.PathValue("plan")) }

// endregion call

// region handlers
// handlers are what technicians do, below /customers/{customer}/apple. Whatever else a [runner.Tenant] offers goes the same way.
var handlers = map[string]func(c call) (any, error){
	"GET ":                           func(c call) (any, error) { return c.Servers(c.Context(), runner.ServerQuery{}) },
	"POST /{server}/renewal":         func(c call) (any, error) { return c.StartRenewal(c.Context(), c.by, c.server()) },
	"GET /renewals/{renewal}":        func(c call) (any, error) { return c.Renewal(c.Context(), c.by, c.renewal()) },
	"POST /renewals/{renewal}/right": func(c call) (any, error) { return c.Confirm(c.Context(), c.by, c.renewal()) },
	"POST /{server}/token": func(c call) (any, error) {
		return c.UploadToken(c.Context(), c.by, runner.Upload{Server: c.server(), File: c.Body})
	},
	"GET /renewals/{renewal}/certificate": func(c call) (any, error) {
		cert, err := c.Certificate(c.Context(), c.by, c.renewal())
		return rmm.File{Name: cert.FileName, Data: cert.PEM}, err
	},
	"POST /plans":       newPlan,
	"GET /plans/{plan}": func(c call) (any, error) { return c.Plan(c.Context(), c.by, c.planID()) },
	"POST /plans/{plan}/approval": func(c call) (any, error) {
		var word runner.Approved
		if err := rmm.Decode(c.Request.Request, &word); err != nil {
			return nil, err
		}
		return c.ApprovePlan(c.Context(), c.by, c.planID(), word)
	},
	"POST /kill-switch": func(c call) (any, error) { return c.ThrowSwitch(c.Context(), c.by, "thrown by "+c.Who.Name) },
}

// newPlan makes a plan with its devices, and submits it to the approval of others.
func newPlan(c call) (any, error) {
	var in struct {
		runner.NewPlan
		Serials []string `json:"serials"`
	}
	if err := rmm.Decode(c.Request.Request, &in); err != nil {
		return nil, err
	}
	plan, err := c.NewPlan(c.Context(), c.by, in.NewPlan)
	if err != nil {
		return nil, err
	}
	if list, err := c.ListDevices(c.Context(), c.by, plan.ID, runner.Serials(in.Serials...)); err != nil || len(list.Problems) > 0 {
		return list, err
	}
	return c.SubmitPlan(c.Context(), c.by, plan.ID)
}

// endregion handlers
