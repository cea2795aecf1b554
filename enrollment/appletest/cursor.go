package appletest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"
)

// cursorLife is how old a cursor may be (Apple, "Sync the list of devices").
const cursorLife = 7 * 24 * time.Hour

// cursor is a place in a list. Clients see it sealed, so they cannot make or change one.
type cursor struct {
	Service  string `json:"s"`
	Made     int64  `json:"t"`           // in nanoseconds
	Event    int    `json:"e"`           // the next entry of the sync list
	Serial   string `json:"n,omitempty"` // the last device of the pages before, while fetching
	Finished bool   `json:"f,omitempty"` // fetching has ended: sync from here
}

// writeCursor needs the lock.
func (a *Apple) writeCursor(c cursor, s *Service) string {
	c.Service, c.Made = s.uuid, a.clock().UnixNano()
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings and numbers
	}
	return base64.StdEncoding.EncodeToString(append(text, a.cursorMAC(text)...))
}

// readCursor needs the lock. A cursor of another service is no cursor of this one.
func (a *Apple) readCursor(id string, s *Service) (cursor, answer) {
	invalid := badRequest("INVALID_CURSOR")
	raw, err := base64.StdEncoding.DecodeString(id)
	if err != nil || len(raw) < sha256.Size {
		return cursor{}, invalid
	}
	text, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	var c cursor
	if !hmac.Equal(mac, a.cursorMAC(text)) || json.Unmarshal(text, &c) != nil || c.Service != s.uuid {
		return cursor{}, invalid
	}
	if a.clock().Sub(time.Unix(0, c.Made)) > cursorLife {
		return cursor{}, badRequest("EXPIRED_CURSOR")
	}
	return c, answer{}
}

func (a *Apple) cursorMAC(text []byte) []byte {
	mac := hmac.New(sha256.New, a.cursorKey)
	mac.Write(text)
	return mac.Sum(nil)
}
