package runner

import (
	"context"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

// care is what a record has beside its credentials: how they are, what was done to them, and the watch over them.
type care struct {
	Watch   renewal.Watch        `json:"watch"`
	Health  enrollment.Health    `json:"health"`
	Silence *enrollment.Problem  `json:"silence,omitempty"` // why Apple gave no usable answer, the last time that it did not
	Uploads []time.Time          `json:"uploads,omitempty"` // of the last minute
	Audit   enrollment.AuditHead `json:"audit"`
}

// subject is what a watch looks after and a history tells of, inside a change: a server, or a push certificate.
type subject struct {
	*care
	id     string
	moved  *bool
	record interface{ keep(own, until time.Time) }
}

func subjectOf[T any, P interface {
	*T
	about() (id string, c *care)
}](t *tracked[T]) subject {
	id, c := P(&t.Value).about()
	return subject{care: c, id: id, moved: &t.moved, record: t}
}

// watch takes one event of a subject's watch.
func (c *change) watch(ctx context.Context, s subject, ev renewal.WatchEvent) error {
	tr, err := s.Watch.Step(c.policy, c.now, ev)
	if err != nil || !tr.Moved {
		return err
	}
	s.Watch, *s.moved = tr.Watch, true
	return c.note(ctx, s, tr.Audit...)
}

// note appends facts to the history of a subject, in this write.
func (c *change) note(ctx context.Context, s subject, facts ...enrollment.AuditFact) error {
	return appendFacts(ctx, c, s.id, &s.Audit, s.moved, facts)
}

// judge sets the health by which records are found.
func (c *change) judge(s subject) { s.Health = s.Watch.Health(c.policy, c.now) }

// limitUploads counts a file against the subject's limit: every file costs work with a private key.
func (c *change) limitUploads(s subject) error {
	recent := slices.DeleteFunc(slices.Clone(s.Uploads), func(at time.Time) bool {
		return at.Before(c.now.Add(-time.Minute)) || at.After(c.now)
	})
	if len(recent) >= c.policy.UploadsPerMinute {
		return enrollment.NewProblem(enrollment.CodeTooManyUploads)
	}
	s.Uploads, *s.moved = append(recent, c.now), true
	return nil
}
