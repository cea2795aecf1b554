package enrollment

import "context"

// Notifier takes notices to people: mail, chat, tickets, a log. Implementations are safe for concurrent use.
//
// A notice whose Notify returned an error is tried again for some days, with the same ID. It may also be delivered
// twice after a crash; a receiver that minds remembers the ID. Notify may call the runner, for the name of the notice's
// server for instance; how long it takes is time that other work waits for, so it hands a slow way over to a queue.
type Notifier interface {
	Notify(ctx context.Context, n Notice) error
}
