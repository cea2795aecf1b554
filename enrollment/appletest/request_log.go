package appletest

import "time"

// Request is what the fake remembers of a request, for assertions. It holds no secret.
type Request struct {
	Time    time.Time // on Apple's clock
	Method  string
	Path    string
	Service string // server_uuid of the token that asked; empty: not known
	Version int    // X-Server-Protocol-Version
	Agent   string // User-Agent
	Status  int    // what was answered; zero: the connection was cut
	Code    string // the code of an error
	Fault   FaultKind
}

// maxLog is how many requests are remembered; counts go on.
const maxLog = 10_000

type requestLog struct {
	requests []Request
	counts   map[string]int
}

// remember notes a request and what became of it; needs the lock.
func (a *Apple) remember(c call, status int, code string, f Fault) {
	r, l := c.request, &a.log
	entry := Request{
		Time: a.clock(), Method: r.Method, Path: r.URL.Path, Version: protocolVersion(r), Agent: r.UserAgent(),
		Status: status, Code: code, Fault: f.Kind,
	}
	if c.token != nil {
		entry.Service = c.token.service.uuid
	} else if s := a.asking(r); s != nil {
		entry.Service = s.uuid
	}
	if f.Kind == CutAfter {
		entry.Status = 0
	}
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[r.Method+" "+r.URL.Path]++
	if len(l.requests) >= maxLog {
		l.requests = append(l.requests[:0], l.requests[maxLog/2:]...)
	}
	l.requests = append(l.requests, entry)
}

// Requests returns the latest requests, oldest first: at least the last 5000.
func (a *Apple) Requests() []Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]Request(nil), a.log.requests...)
}

// Count returns how often a path was asked for, such as "GET", "/session".
func (a *Apple) Count(method, path string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.log.counts[method+" "+path]
}
