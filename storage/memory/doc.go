// Package memory keeps records in memory: for tests, examples and hosts that try things out. What it holds is lost
// with the process; package bolt is the embedded store that lasts.
//
// It keeps every other promise of [storage.Store], with the same conformance suite as the durable adapters: commits
// are atomic and fenced by version, due records are claimed oldest first, listings are ordered. Finding due records
// and pages costs about the logarithm of the number of records, so it carries hundreds of thousands of them.
package memory
