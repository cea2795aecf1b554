package main

import (
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
)

// The flags of policy set. What is left out stays as it is.

type renewalRules struct {
	Reminders          []int     `placeholder:"60,30,..." help:"Days before an expiry at which to remind."`
	ExpiringWithin     *duration `placeholder:"30d" help:"How long before its expiry a token is called expiring."`
	ProbeEvery         *duration `placeholder:"1d" help:"How often Apple is asked whether a token lives."`
	RecheckEvery       *duration `placeholder:"1h" help:"How often Apple is asked again while something is wrong."`
	UnreachableAfter   *duration `placeholder:"3d" help:"How long Apple may be silent before a token is called unreachable."`
	UploadWithin       *duration `placeholder:"30d" help:"How long a renewal waits for a file, and a plan for its devices."`
	RemindWaiting      *duration `placeholder:"3d" help:"How often something that waits for a person reminds."`
	FreshFor           *duration `placeholder:"15m" help:"How long Apple's answer may wait for a confirmation."`
	UploadsPerMinute   *int      `placeholder:"30" help:"How many files a server takes in a minute."`
	RequireAppleIssuer *string   `enum:"on,off" placeholder:"on|off" help:"Whether push certificates must be issued by Apple."`
}

func (f renewalRules) set(c *enrollment.PolicyChange) {
	c.Reminders = f.Reminders
	c.ExpiringWithin, c.ProbeEvery = (*time.Duration)(f.ExpiringWithin), (*time.Duration)(f.ProbeEvery)
	c.RecheckEvery, c.UnreachableAfter = (*time.Duration)(f.RecheckEvery), (*time.Duration)(f.UnreachableAfter)
	c.UploadWithin, c.RemindWaiting = (*time.Duration)(f.UploadWithin), (*time.Duration)(f.RemindWaiting)
	c.FreshFor, c.UploadsPerMinute = (*time.Duration)(f.FreshFor), f.UploadsPerMinute
	c.RequireAppleIssuer = isOn(f.RequireAppleIssuer)
}

type moveRules struct {
	MigrationDeadline *duration `placeholder:"30d" help:"How long devices have that change their MDM without an erase."`
	MigrationGrace    *duration `placeholder:"3d" help:"How long after its deadline a device may still do it."`
	PostsPerHour      *int      `placeholder:"10" help:"How many changes an hour are asked of an organization's Apple API."`
	AssignWithin      *duration `placeholder:"14d" help:"How long a device may take until its new service shows it."`
	EnrollWithin      *duration `placeholder:"14d" help:"How long an erased device may take until it enrolls."`
	WipeFreshFor      *duration `placeholder:"10m" help:"How old the confirmation of a device may be when its wipe leaves."`
	WipeAnswerWithin  *duration `placeholder:"7d" help:"How long a wipe waits for the device."`
}

func (f moveRules) set(c *enrollment.PolicyChange) {
	c.MigrationDeadline, c.MigrationGrace = (*time.Duration)(f.MigrationDeadline), (*time.Duration)(f.MigrationGrace)
	c.PostsPerHour, c.AssignWithin = f.PostsPerHour, (*time.Duration)(f.AssignWithin)
	c.EnrollWithin, c.WipeFreshFor = (*time.Duration)(f.EnrollWithin), (*time.Duration)(f.WipeFreshFor)
	c.WipeAnswerWithin = (*time.Duration)(f.WipeAnswerWithin)
}

type wipeRules struct {
	Wipes              *string   `enum:"on,off" placeholder:"on|off" help:"Whether devices may be wiped at all."`
	WipeBudget         *budget   `placeholder:"10/20m,100/24h" help:"How many wipes of a tenant may leave in any time of that length."`
	InstallationBudget *budget   `placeholder:"10/20m,100/24h" help:"The same for all tenants together; with --installation."`
	Cooling            *duration `placeholder:"1h" help:"How long an approved plan waits before it begins."`
	Approvals          *int      `placeholder:"2" help:"How many persons, other than the author, approve a plan."`
	AlonePlan          *int      `placeholder:"25" help:"Up to how many wipes in a day one of them is enough."`
	ApproveWithin      *duration `placeholder:"1d" help:"How long an approval may wait for the others."`
	ApprovedFor        *duration `placeholder:"14d" help:"How long an approved plan may wipe."`
	Waves              []int     `placeholder:"1,5,25" help:"How many devices each of the first waves takes."`
	WaveShare          *int      `placeholder:"5" help:"How many percent of its plan every later wave takes."`
	WaveEnough         *int      `placeholder:"80" help:"How many percent of a wave must enroll before the next begins."`
	FailureRatio       *int      `placeholder:"20" help:"How many percent may fail before the plan pauses by itself."`
}

// change is nil where nothing about wipes is set.
func (f wipeRules) change() *enrollment.WipeChange {
	c := enrollment.WipeChange{
		On: isOn(f.Wipes), Cooling: (*time.Duration)(f.Cooling), Approvals: f.Approvals, AlonePlan: f.AlonePlan,
		ApproveWithin: (*time.Duration)(f.ApproveWithin), ApprovedFor: (*time.Duration)(f.ApprovedFor),
		Waves: f.Waves, WaveShare: f.WaveShare, WaveEnough: f.WaveEnough, FailureRatio: f.FailureRatio,
	}
	set := f.Wipes != nil || f.Cooling != nil || f.Approvals != nil || f.AlonePlan != nil || f.ApproveWithin != nil || f.ApprovedFor != nil ||
		len(f.Waves) > 0 || f.WaveShare != nil || f.WaveEnough != nil || f.FailureRatio != nil
	if f.WipeBudget != nil {
		c.Budget, set = *f.WipeBudget, true
	}
	if f.InstallationBudget != nil {
		c.InstallationBudget, set = *f.InstallationBudget, true
	}
	if !set {
		return nil
	}
	return &c
}

func isOn(flag *string) *bool {
	if flag == nil {
		return nil
	}
	on := *flag == "on"
	return &on
}
