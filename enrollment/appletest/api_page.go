package appletest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// apiPage answers with one page of a list that is sorted by ID, as JSON:API has it: data, links and meta.
func (c call) apiPage(all []map[string]any) answer {
	query := c.request.URL.Query()
	limit := 100
	if text := query.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 1000 {
			return apiError(http.StatusBadRequest, "PARAMETER_ERROR.INVALID", "")
		}
		limit = n
	}
	if most := c.apple.behavior.APIPageMax; most > 0 {
		limit = min(limit, most)
	}
	after := ""
	if text := query.Get("cursor"); text != "" {
		var valid bool
		if after, valid = c.readAPICursor(text); !valid {
			return apiError(http.StatusBadRequest, "PARAMETER_ERROR.INVALID", "")
		}
	}
	rest := all[:0:0]
	for _, one := range all {
		if one["id"].(string) > after {
			rest = append(rest, one)
		}
	}
	self := *c.request.URL
	links := map[string]string{"self": self.String()}
	paging := map[string]any{"total": len(all), "limit": limit}
	if len(rest) > limit {
		rest = rest[:limit]
		next := c.writeAPICursor(rest[limit-1]["id"].(string))
		if c.apple.behavior.APIStuckCursor {
			next = c.writeAPICursor("")
		}
		paging["nextCursor"] = next
		query.Set("cursor", next)
		links["next"] = (&url.URL{Scheme: "https", Host: c.request.Host, Path: self.Path, RawQuery: query.Encode()}).String()
	}
	if rest == nil {
		rest = []map[string]any{}
	}
	return ok(map[string]any{"data": rest, "links": links, "meta": map[string]any{"paging": paging}})
}

func (c call) writeAPICursor(after string) string {
	text, err := json.Marshal([]string{c.request.URL.Path, after})
	if err != nil {
		panic(err) // strings
	}
	return base64.URLEncoding.EncodeToString(append(text, c.apple.cursorMAC(text)...))
}

func (c call) readAPICursor(id string) (after string, valid bool) {
	raw, err := base64.URLEncoding.DecodeString(id)
	if err != nil || len(raw) < sha256.Size {
		return "", false
	}
	text, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	var parts []string
	if !hmac.Equal(mac, c.apple.cursorMAC(text)) || json.Unmarshal(text, &parts) != nil || parts[0] != c.request.URL.Path {
		return "", false
	}
	return parts[1], true
}
