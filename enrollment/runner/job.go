package runner

import (
	"context"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/renewal"
)

type renewalJob struct {
	c   *change
	s   *tracked[serverRecord]
	run *tracked[renewal.Renewal]
}

func (j renewalJob) tick(ctx context.Context) error {
	return j.take(ctx, renewal.Ticked{Health: j.s.Value.Watch.Health(j.c.policy, j.c.now)})
}

func (j renewalJob) take(ctx context.Context, ev renewal.Event) error {
	_, err := j.c.step(ctx, j.s, j.run, ev)
	return err
}

func (j renewalJob) due() []enrollment.Effect { return j.run.Value.Due(j.c.now) }

func (j renewalJob) moved() bool { return j.run.moved }

func (j renewalJob) keep(own, until time.Time) { j.run.keep(own, until) }

type watchJob struct {
	c *change
	s *tracked[serverRecord]
}

func (j watchJob) tick(ctx context.Context) error { return j.take(ctx, renewal.WatchTicked{}) }

func (j watchJob) take(ctx context.Context, ev renewal.WatchEvent) error {
	return j.c.watch(ctx, j.s, ev)
}

func (j watchJob) due() []enrollment.Effect { return j.s.Value.Watch.Due(j.c.now) }

func (j watchJob) moved() bool { return j.s.moved }

func (j watchJob) keep(own, until time.Time) { j.s.keep(own, until) }
