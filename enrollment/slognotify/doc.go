// Package slognotify writes notices as log lines, so that reminders reach people through whatever already watches the
// host's log. It is the smallest [enrollment.Notifier], and a model for others: mail, chat, tickets, a webhook.
//
// Each notice becomes one line. Its level says how urgent it is, its attributes are the notice's own: notice (the ID),
// thread, kind, cleared, tenant, server, name (the server's), push and plan (where it is about one), days, expires_at, expires
// (seconds since 1970, for a gauge), problem, title, next. No line holds a secret, because no notice does.
//
// # At least once
//
// A notice that the log's handler refused with an error is offered again for some days. After a crash a notice may
// be written twice, with the same ID. Whoever turns lines into tickets remembers the IDs, or opens one ticket for a thread
// and closes it at the line that says cleared=true.
//
// A line that a handler drops without an error is gone: one that is written in the background and lost in a crash, for
// instance, or one below the handler's level.
package slognotify
