package appletest

import "time"

// session is what X-ADM-Auth-Session names.
type session struct {
	token *token
	ends  time.Time
}

// openSession needs the lock.
func (a *Apple) openSession(t *token) string {
	if a.behavior.OneSession {
		a.endSessions(t)
	}
	return a.addSession(t)
}

func (a *Apple) addSession(t *token) string {
	now := a.clock()
	for id, s := range a.sessions { // so that a long test does not collect them
		if !now.Before(s.ends) {
			delete(a.sessions, id)
		}
	}
	id := a.randomHex(32)
	a.sessions[id] = &session{token: t, ends: now.Add(a.behavior.sessionLife())}
	return id
}

// endSessions needs the lock.
func (a *Apple) endSessions(t *token) {
	for id, s := range a.sessions {
		if s.token == t {
			delete(a.sessions, id)
		}
	}
}

// ExpireSessions ends every session of every token, as if their time had come.
func (a *Apple) ExpireSessions() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.sessions)
}

// findSession needs the lock. A session whose token died went with it; one whose token expired ends here.
func (a *Apple) findSession(id string) *session {
	now := a.clock()
	s := a.sessions[id]
	if s == nil || !now.Before(s.ends) || s.token.state(now) != Alive {
		delete(a.sessions, id)
		return nil
	}
	return s
}

// rotate gives the header of an answer, empty where nothing rotates; needs the lock.
func (a *Apple) rotate(id string, s *session) string {
	if !a.behavior.RotateSessions {
		return ""
	}
	if a.behavior.RotationEndsOld {
		delete(a.sessions, id)
	}
	return a.addSession(s.token)
}
