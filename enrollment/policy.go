package enrollment

import (
	"slices"
	"time"
)

// Policy are the rules of an installation, or of one tenant in it. [DefaultPolicy] has the usual ones.
type Policy struct {
	// Reminders are the days before an expiry at which the host is reminded, falling; after the expiry a reminder
	// follows every week.
	Reminders []int `json:"reminders"`
	// ExpiringWithin is how long before its expiry a credential is called expiring.
	ExpiringWithin time.Duration `json:"expiring_within"`
	// ProbeEvery is how often Apple is asked whether a credential still lives.
	ProbeEvery time.Duration `json:"probe_every"`
	// RecheckEvery is how often Apple is asked again while something is wrong.
	RecheckEvery time.Duration `json:"recheck_every"`
	// UnreachableAfter is how long Apple may leave questions unanswered before a credential is called unreachable.
	UnreachableAfter time.Duration `json:"unreachable_after"`
	// UploadWithin is how long a renewal waits for a file before it lapses.
	UploadWithin time.Duration `json:"upload_within"`
	// RemindWaiting is how often a renewal that waits for a person reminds.
	RemindWaiting time.Duration `json:"remind_waiting"`
	// FreshFor is how long Apple's answer about a candidate may wait for a person's confirmation before it is asked
	// again.
	FreshFor time.Duration `json:"fresh_for"`
	// UploadsPerMinute bounds the files that one server takes in any minute.
	UploadsPerMinute int `json:"uploads_per_minute"`
	// RequireAppleIssuer refuses push certificates that Apple has not issued. Test installations have their own, so that it
	// is off by default, and such a certificate taken with a warning.
	RequireAppleIssuer bool `json:"require_apple_issuer"`

	// MigrationDeadline is how long the devices of a plan that changes their MDM without an erase have for it.
	MigrationDeadline time.Duration `json:"migration_deadline"`
	// PostsPerHour bounds what is asked of an organization's Apple Business API in any hour; reading is not counted.
	PostsPerHour int `json:"posts_per_hour"`
	// Wipes are the rules about wipes.
	Wipes WipePolicy `json:"wipes"`

	// AssignWithin is how long a device that moves may take until its new service shows it, and again until it shows its
	// enrollment profile.
	AssignWithin time.Duration `json:"assign_within"`
	// WipeFreshFor is how long the confirmation of a device, by its new service and by the MDM that manages it, may have
	// been made before its wipe is released.
	WipeFreshFor time.Duration `json:"wipe_fresh_for"`
	// WipeAnswerWithin is how long a wipe waits for the device before it is withdrawn, or listed as outstanding.
	WipeAnswerWithin time.Duration `json:"wipe_answer_within"`
	// EnrollWithin is how long an erased device may take until it enrolls.
	EnrollWithin time.Duration `json:"enroll_within"`
	// MigrationGrace is how long after its deadline a device may take to change its MDM.
	MigrationGrace time.Duration `json:"migration_grace"`
	// KeepFinished is how long the moves of a plan are kept after its end, and what was decided about a proposal. The plan
	// itself and the audit stay, and so does whatever is not over: a wipe that may still reach its device, or the PIN of a
	// device that is locked by one.
	KeepFinished time.Duration `json:"keep_finished"`
}

// DefaultPolicy returns the policy of an installation that has set nothing.
func DefaultPolicy() Policy {
	const day = 24 * time.Hour
	return Policy{
		Reminders:        []int{60, 30, 14, 7, 3, 1, 0},
		ExpiringWithin:   30 * day,
		ProbeEvery:       day,
		RecheckEvery:     time.Hour,
		UnreachableAfter: 3 * day,
		UploadWithin:     30 * day,
		RemindWaiting:    3 * day,
		FreshFor:         15 * time.Minute,
		UploadsPerMinute: 30,

		MigrationDeadline: 30 * day,
		PostsPerHour:      10,
		Wipes:             defaultWipePolicy(),
		AssignWithin:      14 * day,
		WipeFreshFor:      10 * time.Minute,
		WipeAnswerWithin:  7 * day,
		EnrollWithin:      14 * day,
		MigrationGrace:    3 * day,
		KeepFinished:      365 * day,
	}
}

// PolicyChange overrides single rules; what is nil or empty stays as it is.
type PolicyChange struct {
	Reminders        []int          `json:"reminders,omitempty"`
	ExpiringWithin   *time.Duration `json:"expiring_within,omitempty"`
	ProbeEvery       *time.Duration `json:"probe_every,omitempty"`
	RecheckEvery     *time.Duration `json:"recheck_every,omitempty"`
	UnreachableAfter *time.Duration `json:"unreachable_after,omitempty"`
	UploadWithin     *time.Duration `json:"upload_within,omitempty"`
	RemindWaiting    *time.Duration `json:"remind_waiting,omitempty"`
	FreshFor         *time.Duration `json:"fresh_for,omitempty"`
	UploadsPerMinute *int           `json:"uploads_per_minute,omitempty"`

	RequireAppleIssuer *bool `json:"require_apple_issuer,omitempty"`

	MigrationDeadline *time.Duration `json:"migration_deadline,omitempty"`
	PostsPerHour      *int           `json:"posts_per_hour,omitempty"`
	Wipes             *WipeChange    `json:"wipes,omitempty"`
	AssignWithin      *time.Duration `json:"assign_within,omitempty"`
	WipeFreshFor      *time.Duration `json:"wipe_fresh_for,omitempty"`
	WipeAnswerWithin  *time.Duration `json:"wipe_answer_within,omitempty"`
	EnrollWithin      *time.Duration `json:"enroll_within,omitempty"`
	MigrationGrace    *time.Duration `json:"migration_grace,omitempty"`
	KeepFinished      *time.Duration `json:"keep_finished,omitempty"`
}

// With returns the policy with the change applied.
func (p Policy) With(c PolicyChange) Policy {
	if len(c.Reminders) > 0 {
		p.Reminders = slices.Clone(c.Reminders)
	}
	set(&p.ExpiringWithin, c.ExpiringWithin)
	set(&p.ProbeEvery, c.ProbeEvery)
	set(&p.RecheckEvery, c.RecheckEvery)
	set(&p.UnreachableAfter, c.UnreachableAfter)
	set(&p.UploadWithin, c.UploadWithin)
	set(&p.RemindWaiting, c.RemindWaiting)
	set(&p.FreshFor, c.FreshFor)
	set(&p.UploadsPerMinute, c.UploadsPerMinute)
	set(&p.RequireAppleIssuer, c.RequireAppleIssuer)
	set(&p.MigrationDeadline, c.MigrationDeadline)
	set(&p.PostsPerHour, c.PostsPerHour)
	p.Wipes = p.Wipes.with(c.Wipes)
	set(&p.AssignWithin, c.AssignWithin)
	set(&p.WipeFreshFor, c.WipeFreshFor)
	set(&p.WipeAnswerWithin, c.WipeAnswerWithin)
	set(&p.EnrollWithin, c.EnrollWithin)
	set(&p.MigrationGrace, c.MigrationGrace)
	set(&p.KeepFinished, c.KeepFinished)
	return p
}

// And returns the change that has the effect of c followed by next.
func (c PolicyChange) And(next PolicyChange) PolicyChange {
	if len(next.Reminders) > 0 {
		c.Reminders = slices.Clone(next.Reminders)
	}
	override(&c.ExpiringWithin, next.ExpiringWithin)
	override(&c.ProbeEvery, next.ProbeEvery)
	override(&c.RecheckEvery, next.RecheckEvery)
	override(&c.UnreachableAfter, next.UnreachableAfter)
	override(&c.UploadWithin, next.UploadWithin)
	override(&c.RemindWaiting, next.RemindWaiting)
	override(&c.FreshFor, next.FreshFor)
	override(&c.UploadsPerMinute, next.UploadsPerMinute)
	override(&c.RequireAppleIssuer, next.RequireAppleIssuer)
	override(&c.MigrationDeadline, next.MigrationDeadline)
	override(&c.PostsPerHour, next.PostsPerHour)
	c.Wipes = c.Wipes.and(next.Wipes)
	override(&c.AssignWithin, next.AssignWithin)
	override(&c.WipeFreshFor, next.WipeFreshFor)
	override(&c.WipeAnswerWithin, next.WipeAnswerWithin)
	override(&c.EnrollWithin, next.EnrollWithin)
	override(&c.MigrationGrace, next.MigrationGrace)
	override(&c.KeepFinished, next.KeepFinished)
	return c
}

// Validate returns a [Problem] with code [CodeInvalidInput] unless the machines can live by the policy.
func (p Policy) Validate() error {
	for i, days := range p.Reminders {
		if days < 0 || days > 365 || i > 0 && days >= p.Reminders[i-1] {
			return NewProblem(CodeInvalidInput, "field", "reminders", "rule", "days from 365 to 0, each smaller than the one before")
		}
	}
	for _, d := range [...]timeRule{
		{"expiring_within", p.ExpiringWithin, time.Hour, 365 * 24 * time.Hour},
		{"probe_every", p.ProbeEvery, time.Minute, 31 * 24 * time.Hour},
		{"recheck_every", p.RecheckEvery, time.Minute, 31 * 24 * time.Hour},
		{"unreachable_after", p.UnreachableAfter, time.Minute, 365 * 24 * time.Hour},
		{"upload_within", p.UploadWithin, time.Hour, 365 * 24 * time.Hour},
		{"remind_waiting", p.RemindWaiting, time.Hour, 365 * 24 * time.Hour},
		{"fresh_for", p.FreshFor, 0, 24 * time.Hour},
		// Apple's portal takes a deadline more than a day ahead, and none is taken beyond 90 days.
		{"migration_deadline", p.MigrationDeadline, 25 * time.Hour, MaxDeadline - 24*time.Hour},
		{"assign_within", p.AssignWithin, time.Hour, 365 * 24 * time.Hour},
		{"wipe_fresh_for", p.WipeFreshFor, time.Minute, time.Hour},
		{"wipe_answer_within", p.WipeAnswerWithin, time.Hour, 90 * 24 * time.Hour},
		{"enroll_within", p.EnrollWithin, time.Hour, 365 * 24 * time.Hour},
		{"migration_grace", p.MigrationGrace, time.Hour, 90 * 24 * time.Hour},
		{"keep_finished", p.KeepFinished, 24 * time.Hour, 3650 * 24 * time.Hour},
	} {
		if err := d.check(); err != nil {
			return err
		}
	}
	if p.UploadsPerMinute < 1 || p.UploadsPerMinute > 1000 {
		return NewProblem(CodeInvalidInput, "field", "uploads_per_minute", "rule", "from 1 to 1000")
	}
	if p.PostsPerHour < 1 || p.PostsPerHour > 1000 {
		return NewProblem(CodeInvalidInput, "field", "posts_per_hour", "rule", "from 1 to 1000")
	}
	return p.Wipes.validate()
}

// timeRule is a rule that is a time, with its bounds.
type timeRule struct {
	field       string
	value       time.Duration
	least, most time.Duration
}

func (d timeRule) check() error {
	// Stores keep time by the microsecond; a finer alarm would ring before its time.
	if d.value < d.least || d.value > d.most || d.value%time.Microsecond != 0 {
		return NewProblem(CodeInvalidInput, "field", d.field, "rule", "from "+d.least.String()+" to "+d.most.String()+", in whole microseconds")
	}
	return nil
}

func set[T any](field *T, change *T) {
	if change != nil {
		*field = *change
	}
}

func override[T any](field **T, change *T) {
	if change != nil {
		*field = change
	}
}
