package appletest

import "net/http"

// fault is a fault at work.
type fault struct {
	Fault
	seen int
	done bool
}

// Fail adds a fault; the first that matches a request applies. The function that it returns ends the fault.
func (a *Apple) Fail(f Fault) (end func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	one := &fault{Fault: f}
	a.faults = append(a.faults, one)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		one.done = true
	}
}

// Heal ends all faults.
func (a *Apple) Heal() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = nil
}

// overPipe marks the requests of [Apple.Transport], for which Down was decided before there was a connection.
type overPipe struct{}

// takeDown takes a fault that refuses the connection.
func (a *Apple) takeDown(r *http.Request) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := a.take(r, func(k FaultKind) bool { return k == Down })
	if f.Kind != Down {
		return false
	}
	a.remember(call{apple: a, request: r}, 0, "", f)
	return true
}

// takeFault takes the fault of a request that has arrived.
func (a *Apple) takeFault(r *http.Request) Fault {
	a.mu.Lock()
	defer a.mu.Unlock()
	piped := r.Context().Value(overPipe{}) != nil
	return a.take(r, func(k FaultKind) bool { return k != Down || !piped })
}

// take needs the lock.
func (a *Apple) take(r *http.Request, of func(FaultKind) bool) Fault {
	for _, f := range a.faults {
		if f.done || !of(f.Kind) || !f.matches(a, r) {
			continue
		}
		f.seen++
		if f.seen <= f.After {
			continue
		}
		f.done = f.Times > 0 && f.seen >= f.After+f.Times
		return f.Fault
	}
	return Fault{}
}

func (f *fault) matches(a *Apple, r *http.Request) bool {
	return (f.Path == "" || f.Path == r.URL.Path) && (f.Method == "" || f.Method == r.Method) &&
		(f.Service == nil || f.Service == a.asking(r))
}

// asking returns the service that a request names, whether or not it proves it; needs the lock.
func (a *Apple) asking(r *http.Request) *Service {
	if s := a.sessions[r.Header.Get("X-Adm-Auth-Session")]; s != nil {
		return s.token.service
	}
	header, err := oauthHeader(r.Header.Values("Authorization"))
	if err != nil {
		return nil
	}
	for _, p := range header {
		if t := a.tokens[p.value]; p.name == "oauth_token" && t != nil {
			return t.service
		}
	}
	return nil
}
