package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/abmrenew/abmrenew/enrollment"
)

// rules is a policy as people write one.
type rules struct {
	subject
	Reminders          []int    `json:"reminders"`
	ExpiringWithin     duration `json:"expiring_within"`
	ProbeEvery         duration `json:"probe_every"`
	RecheckEvery       duration `json:"recheck_every"`
	UnreachableAfter   duration `json:"unreachable_after"`
	UploadWithin       duration `json:"upload_within"`
	RemindWaiting      duration `json:"remind_waiting"`
	FreshFor           duration `json:"fresh_for"`
	UploadsPerMinute   int      `json:"uploads_per_minute"`
	RequireAppleIssuer bool     `json:"require_apple_issuer"`

	MigrationDeadline duration `json:"migration_deadline"`
	MigrationGrace    duration `json:"migration_grace"`
	PostsPerHour      int      `json:"posts_per_hour"`
	AssignWithin      duration `json:"assign_within"`
	EnrollWithin      duration `json:"enroll_within"`
	WipeFreshFor      duration `json:"wipe_fresh_for"`
	WipeAnswerWithin  duration `json:"wipe_answer_within"`

	Wipes rulesOfWipes `json:"wipes"`

	// Proposal is what became of a change that no single person makes.
	Proposal *proposalAnswer `json:"proposal,omitempty"`
}

type rulesOfWipes struct {
	On                 bool     `json:"on"`
	Budget             budget   `json:"budget"`
	InstallationBudget budget   `json:"installation_budget"`
	Cooling            duration `json:"cooling"`
	Approvals          int      `json:"approvals"`
	AlonePlan          int      `json:"alone_plan"`
	ApproveWithin      duration `json:"approve_within"`
	ApprovedFor        duration `json:"approved_for"`
	Waves              []int    `json:"waves"`
	WaveShare          int      `json:"wave_share"`
	WaveEnough         int      `json:"wave_enough"`
	FailureRatio       int      `json:"failure_ratio"`
}

func rulesOf(id string, p enrollment.Policy) rules {
	w := p.Wipes
	return rules{
		subject: subject{ID: id}, Reminders: p.Reminders, ExpiringWithin: duration(p.ExpiringWithin),
		ProbeEvery: duration(p.ProbeEvery), RecheckEvery: duration(p.RecheckEvery),
		UnreachableAfter: duration(p.UnreachableAfter), UploadWithin: duration(p.UploadWithin),
		RemindWaiting: duration(p.RemindWaiting), FreshFor: duration(p.FreshFor), UploadsPerMinute: p.UploadsPerMinute,
		RequireAppleIssuer: p.RequireAppleIssuer,
		MigrationDeadline:  duration(p.MigrationDeadline), MigrationGrace: duration(p.MigrationGrace), PostsPerHour: p.PostsPerHour,
		AssignWithin: duration(p.AssignWithin), EnrollWithin: duration(p.EnrollWithin),
		WipeFreshFor: duration(p.WipeFreshFor), WipeAnswerWithin: duration(p.WipeAnswerWithin),
		Wipes: rulesOfWipes{
			On: w.On, Budget: w.Budget, InstallationBudget: w.InstallationBudget, Cooling: duration(w.Cooling),
			Approvals: w.Approvals, AlonePlan: w.AlonePlan, ApproveWithin: duration(w.ApproveWithin), ApprovedFor: duration(w.ApprovedFor),
			Waves: w.Waves, WaveShare: w.WaveShare, WaveEnough: w.WaveEnough, FailureRatio: w.FailureRatio,
		},
	}
}

// rule is one line of a policy, under the name of its flag.
type rule struct{ name, value string }

func (a rules) rows() []rule {
	w := a.Wipes
	return []rule{
		{"reminders", numbers(a.Reminders)}, {"expiring-within", a.ExpiringWithin.String()},
		{"probe-every", a.ProbeEvery.String()}, {"recheck-every", a.RecheckEvery.String()},
		{"unreachable-after", a.UnreachableAfter.String()}, {"upload-within", a.UploadWithin.String()},
		{"remind-waiting", a.RemindWaiting.String()}, {"fresh-for", a.FreshFor.String()},
		{"uploads-per-minute", strconv.Itoa(a.UploadsPerMinute)},
		{"require-apple-issuer", onOff(a.RequireAppleIssuer)},
		{"migration-deadline", a.MigrationDeadline.String()}, {"migration-grace", a.MigrationGrace.String()},
		{"posts-per-hour", strconv.Itoa(a.PostsPerHour)}, {"assign-within", a.AssignWithin.String()},
		{"enroll-within", a.EnrollWithin.String()}, {"wipe-fresh-for", a.WipeFreshFor.String()},
		{"wipe-answer-within", a.WipeAnswerWithin.String()},
		{"wipes", onOff(w.On)}, {"wipe-budget", w.Budget.String()}, {"installation-budget", w.InstallationBudget.String()},
		{"cooling", w.Cooling.String()}, {"approvals", strconv.Itoa(w.Approvals)}, {"alone-plan", strconv.Itoa(w.AlonePlan)},
		{"approve-within", w.ApproveWithin.String()}, {"approved-for", w.ApprovedFor.String()},
		{"waves", numbers(w.Waves)}, {"wave-share", strconv.Itoa(w.WaveShare) + "%"},
		{"wave-enough", strconv.Itoa(w.WaveEnough) + "%"}, {"failure-ratio", strconv.Itoa(w.FailureRatio) + "%"},
	}
}

func (a rules) text(w io.Writer) {
	fmt.Fprintf(w, "rules of %s\n", a.ID)
	for _, row := range a.rows() {
		fmt.Fprintf(w, "  %-20s %s\n", row.name, row.value)
	}
	if a.Proposal != nil {
		a.Proposal.text(w)
	}
}

func numbers(list []int) string {
	texts := make([]string, len(list))
	for i, n := range list {
		texts[i] = strconv.Itoa(n)
	}
	return strings.Join(texts, ",")
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}
