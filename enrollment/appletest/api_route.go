package appletest

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The hosts of the API. Through [Apple.Handler] every host is all of them.
const (
	apiBusiness = "api-business.apple.com"
	apiSchool   = "api-school.apple.com"
	apiLogs     = "store.blobstore.apple.com" // observed
	apiTokens   = "account.apple.com"
)

// apiCall is one call of an account, for the rate limits.
type apiCall struct {
	at   time.Time
	post bool
}

// api answers requests to the Apple Business and School Manager API, its token endpoint and its logs; known is false for
// those of the device assignment service, whose paths are others.
func (c call) api() (res answer, known bool) {
	path, host := c.request.URL.Path, c.request.Host
	switch {
	case path == "/auth/oauth2/v2/token", path == "/auth/oauth2/token":
		if foreign(host, apiTokens) || c.request.Method != http.MethodPost {
			return answer{status: http.StatusNotFound}, true
		}
		return c.apiToken(), true
	case strings.HasPrefix(path, logPath):
		if foreign(host, apiLogs) {
			return answer{status: http.StatusNotFound}, true
		}
		return c.activityLog(), true
	case strings.HasPrefix(path, "/v1/"):
		if foreign(host, apiBusiness, apiSchool) {
			return answer{status: http.StatusNotFound}, true
		}
		return c.apiV1(), true
	}
	return answer{}, false
}

// foreign reports whether a host is one of Apple's, but none of these.
func foreign(host string, these ...string) bool {
	if !strings.HasSuffix(host, ".apple.com") {
		return false
	}
	for _, h := range these {
		if host == h {
			return false
		}
	}
	return true
}

// apiV1 answers a call of the API itself.
func (c call) apiV1() answer {
	if !strings.Contains(c.request.Header.Get("Accept"), "application/json") { // observed
		return apiError(http.StatusNotAcceptable, "NOT_ACCEPTABLE", "")
	}
	account := c.apiCaller()
	if account == nil || c.request.Host == apiSchool && account.org.kind != Education ||
		c.request.Host == apiBusiness && account.org.kind == Education {
		return apiError(http.StatusUnauthorized, "NOT_AUTHORIZED", "")
	}
	if res := c.apiLimit(account); !res.isZero() {
		return res
	}
	path := strings.Split(strings.TrimPrefix(c.request.URL.Path, "/v1/"), "/")
	shape := c.request.Method + " " + path[0]
	id := ""
	if len(path) > 1 {
		id, shape = path[1], shape+"/id"
	}
	if len(path) > 2 {
		shape += "/" + strings.Join(path[2:], "/")
	}
	switch shape {
	case "GET orgDevices":
		return c.orgDevices(account.org)
	case "GET orgDevices/id":
		return c.orgDevice(account.org, id)
	case "GET orgDevices/id/relationships/assignedServer", "GET orgDevices/id/assignedServer":
		return c.assignedServer(account.org, id, len(path) == 3)
	case "GET mdmServers":
		return c.mdmServers(account.org)
	case "GET mdmServers/id":
		return c.mdmServer(account.org, id)
	case "POST mdmServers":
		return c.createServer(account.org)
	case "PATCH mdmServers/id":
		return c.updateServer(account.org, id)
	case "GET mdmServers/id/relationships/devices":
		return c.serverDevices(account.org, id)
	case "POST orgDeviceActivities":
		return c.createActivity(account.org)
	case "GET orgDeviceActivities/id":
		return c.getActivity(account.org, id)
	}
	return apiError(http.StatusNotFound, "NOT_FOUND", "")
}

// apiLimit counts a call against the limits of [Behavior]. Apple does not document its own.
func (c call) apiLimit(account *apiAccount) answer {
	b, now := c.apple.behavior, c.apple.clock()
	post := c.request.Method != http.MethodGet
	limit, window := b.APIGets, time.Minute
	if post {
		limit, window = b.APIPosts, time.Hour
	}
	kept, count, oldest := account.calls[:0], 0, now
	for _, past := range account.calls {
		if now.Sub(past.at) >= time.Hour {
			continue
		}
		kept = append(kept, past)
		if past.post == post && now.Sub(past.at) < window {
			if count == 0 {
				oldest = past.at
			}
			count++
		}
	}
	account.calls = kept
	if limit > 0 && count >= limit {
		wait := oldest.Add(window).Sub(now)
		res := apiError(http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED", "")
		return res.set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	}
	account.calls = append(account.calls, apiCall{now, post})
	return answer{}
}

// apiError is an ErrorResponse of the API. Programs are to look at the code alone.
func apiError(status int, code, pointer string) answer {
	one := map[string]any{
		"id": "00000000-0000-4000-8000-000000000000", "status": strconv.Itoa(status), "code": code,
		"title": http.StatusText(status), "detail": "The request was refused.",
	}
	if pointer != "" {
		one["source"] = map[string]string{"pointer": pointer}
	}
	return answer{status: status, code: code, value: map[string]any{"errors": []any{one}}}
}
