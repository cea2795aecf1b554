package axm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Budget says whether a request that changes something may be sent at this time. Where it may not, wait is how long to wait
// before the next attempt; zero: not known. A budget may be shared by clients of the same account, and kept in a store where
// several machines share one. Its error ends the call; nothing is sent.
type Budget interface {
	Spend(ctx context.Context, at time.Time) (wait time.Duration, ok bool, err error)
}

// ErrBudget says that a request was not sent, because the budget is spent.
var ErrBudget = errors.New("axm: the budget for requests is spent")

// BudgetError is a request that was not sent, because the budget is spent. It matches [ErrBudget].
type BudgetError struct {
	Op   string
	Wait time.Duration // zero: not known
}

// Error says when to ask again.
func (e *BudgetError) Error() string {
	if e.Wait > 0 {
		return fmt.Sprintf("axm: %s was not sent, because the budget for requests is spent; ask again in %s", e.Op, e.Wait.Round(time.Second))
	}
	return fmt.Sprintf("axm: %s was not sent, because the budget for requests is spent; ask again later", e.Op)
}

// Is matches [ErrBudget].
func (e *BudgetError) Is(target error) bool { return target == ErrBudget }

// RetryAfter is how long to wait.
func (e *BudgetError) RetryAfter() time.Duration { return e.Wait }

// spend asks the budget about a call that changes something.
func (c *Client) spend(ctx context.Context, k call) error {
	if !k.write || c.service.budget == nil {
		return nil
	}
	wait, ok, err := c.service.budget.Spend(ctx, c.service.now())
	if err != nil {
		return fmt.Errorf("axm: %s was not sent: %w", k.op(), err)
	}
	if !ok {
		return &BudgetError{Op: k.op(), Wait: max(wait, 0)}
	}
	return nil
}

// sliding is a budget in memory.
type sliding struct {
	calls int
	per   time.Duration

	mu    sync.Mutex
	spent []time.Time // within the window, in order
}

// NewBudget is a budget of so many requests in any time of this length, in the memory of this process.
func NewBudget(calls int, per time.Duration) Budget { return &sliding{calls: max(calls, 0), per: per} }

// Spend implements [Budget]. What was spent at a time that lies ahead, because the clock was set back, stays spent.
func (b *sliding) Spend(_ context.Context, at time.Time) (time.Duration, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent = slices.DeleteFunc(b.spent, func(past time.Time) bool { return at.Sub(past) >= b.per })
	if len(b.spent) < b.calls {
		b.spent = append(b.spent, at)
		return 0, true, nil
	}
	if len(b.spent) == 0 {
		return 0, false, nil
	}
	return slices.MinFunc(b.spent, time.Time.Compare).Add(b.per).Sub(at), false, nil
}
