// Package runner drives the machines of this library over a store: it loads a snapshot, takes a step, commits the next
// snapshot with everything that belongs to it in one write, and then does what the snapshot says must be done.
//
// A [Runner] has no goroutine and no leader. People's clicks are methods of a [Tenant]; everything else happens in
// [Runner.RunDue], which the host calls from its cron, queue or worker on as many machines as it likes. Two of them may do
// the same thing twice, never do harm by it: an effect's ID is its idempotency key, and every write compares versions.
//
// Beside the server tokens a runner keeps each tenant's push certificate, or the one of the whole account that serves those
// without their own: it is imported or renewed, watched, given to the host's own pushes ([Runner.PushSource]), and looked at
// before a server token is renewed.
//
// Methods behind a click commit what was asked first, and then settle it: they do the effects of that one subject for some
// seconds, so that a person sees the outcome. What is not done by then goes on with RunDue.
//
// The error of every call is, or wraps, an [*enrollment.Problem], unless the context ended: then it is the context's.
//
// A Runner and everything that it hands out are safe for concurrent use.
package runner
