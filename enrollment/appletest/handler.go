package appletest

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxBody bounds a request.
const maxBody = 4 << 20

// contentType is what every request must have, to the letter (observed in Apple's simulator).
const contentType = "application/json;charset=UTF8"

// Handler returns the device assignment service for a real listener, with or without TLS. It must see requests as
// clients sign them: at the root of the host, with the scheme that the listener speaks.
func (a *Apple) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme := "http"
		if r.TLS != nil {
			scheme = "https"
		}
		a.serve(w, r, scheme)
	})
}

// serve answers one request, with the fault that is due.
func (a *Apple) serve(w http.ResponseWriter, r *http.Request, scheme string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return
	}
	f := a.takeFault(r)
	if f.refuses(a, w, r) {
		return
	}
	a.mu.Lock()
	a.advance()
	c := call{apple: a, request: r, body: body, version: protocolVersion(r)}
	res := c.answer(scheme)
	a.remember(c, res.status, res.code, f)
	quoted, now := a.behavior.QuotedErrors, a.clock()
	a.mu.Unlock()

	writeHeader(w, res, now)
	f.write(a, w, r, res.status, res.body(quoted))
}

// writeHeader sets the headers of every answer; the date is that of Apple's clock.
func writeHeader(w http.ResponseWriter, res answer, now time.Time) {
	h := w.Header()
	h.Set("Date", now.Format(http.TimeFormat))
	h.Set("Content-Type", contentType)
	for name, values := range res.header {
		h[name] = values
	}
}

func protocolVersion(r *http.Request) int {
	n, err := strconv.Atoi(r.Header.Get("X-Server-Protocol-Version"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// call is one request under the lock.
type call struct {
	apple   *Apple
	request *http.Request
	body    []byte
	version int
	token   *token
}

func (c *call) answer(scheme string) answer {
	a, r := c.apple, c.request
	if res, is := c.api(); is {
		return res
	}
	if res := c.checkHeaders(); !res.isZero() {
		return res
	}
	route, known := routes[r.URL.Path]
	if !known {
		return answer{status: http.StatusNotFound, code: "NOT_FOUND"}
	}
	endpoint, allowed := route[r.Method]
	if !allowed {
		return answer{status: http.StatusMethodNotAllowed}
	}
	if r.URL.Path == "/session" {
		return c.session(scheme)
	}
	id := r.Header.Get("X-ADM-Auth-Session")
	s := a.findSession(id)
	if s == nil {
		if a.behavior.ForbiddenSessions {
			return answer{status: http.StatusForbidden, code: "FORBIDDEN"}
		}
		return answer{status: http.StatusUnauthorized}
	}
	c.token = s.token
	res := answer{status: http.StatusForbidden, code: "T_C_NOT_SIGNED"}
	if !s.token.service.org.termsPending {
		res = endpoint(*c)
	}
	if next := a.rotate(id, s); next != "" {
		res = res.set("X-Adm-Auth-Session", next)
	}
	return res
}

// session answers GET /session.
func (c *call) session(scheme string) answer {
	a := c.apple
	t, res := a.authorize(c.request, scheme)
	if t == nil {
		return res
	}
	c.token = t
	if t.service.org.termsPending && !a.behavior.SessionDespiteTerms {
		return answer{status: http.StatusForbidden, code: "T_C_NOT_SIGNED"}
	}
	t.service.connected = a.clock()
	return ok(map[string]string{"auth_session_token": a.openSession(t)})
}

// checkHeaders applies to every endpoint.
func (c *call) checkHeaders() answer {
	b, h := c.apple.behavior, c.request.Header
	agent := strings.TrimSpace(h.Get("User-Agent"))
	if agent == "" {
		return badRequest("USER_AGENT_MISSING")
	}
	for _, prefix := range b.refusedAgents() {
		if strings.HasPrefix(agent, prefix) {
			return badRequest("USER_AGENT_INVALID")
		}
	}
	if !b.AnyContentType && h.Get("Content-Type") != contentType {
		return answer{status: http.StatusUnsupportedMediaType}
	}
	return answer{}
}

// decode reads the body of a call.
func (c call) decode(into any) answer {
	if len(c.body) == 0 {
		return answer{} // an empty body is an empty object
	}
	if json.Unmarshal(c.body, into) != nil {
		return badRequest("MALFORMED_REQUEST_BODY")
	}
	return answer{}
}
