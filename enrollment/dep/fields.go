package dep

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// maxText is how many bytes of a text for people are kept.
const maxText = 1024

// text is a string field. A value of another kind is no reason to lose the answer: it counts as empty.
type text string

func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		s = ""
	}
	*t = text(s)
	return nil
}

// shown is the text as people may see it.
func (t text) shown() string { return clean(string(t), maxText) }

// id is the text if it can be an identifier, or empty.
func (t text) id() string {
	if !identifier(string(t), maxText) {
		return ""
	}
	return string(t)
}

// at is the text as a time, or the zero time.
func (t text) at() time.Time {
	at, err := time.Parse(time.RFC3339, string(t))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}

// count is a whole number that is not negative; anything else is zero.
type count int

func (c *count) UnmarshalJSON(raw []byte) error {
	var n int32
	if json.Unmarshal(raw, &n) != nil || n < 0 {
		n = 0
	}
	*c = count(n)
	return nil
}

// object is a JSON object from which the fields that are known are taken out. What is left are fields that are not
// known, and values that are not as documented: nothing gets lost.
type object map[string]json.RawMessage

// take moves a field into a value and reports whether it was there as documented.
func (o object) take(name string, into any) bool {
	raw, there := o[name]
	if !there || json.Unmarshal(raw, into) != nil {
		return false
	}
	delete(o, name)
	return true
}

// id takes out an identifier.
func (o object) id(name string) string {
	var s string
	if raw := o[name]; o.take(name, &s) && s != "" && !identifier(s, maxText) {
		o[name], s = raw, ""
	}
	return s
}

// shown takes out a text for people.
func (o object) shown(name string) string {
	var s string
	o.take(name, &s)
	return clean(s, maxText)
}

// time takes out a point in time.
func (o object) time(name string) time.Time {
	var s string
	raw := o[name]
	if !o.take(name, &s) {
		return time.Time{}
	}
	at := text(s).at()
	if at.IsZero() && s != "" {
		o[name] = raw
	}
	return at
}

// flag takes out a switch.
func (o object) flag(name string) (on bool) {
	o.take(name, &on)
	return on
}

// list takes out a list of texts for people.
func (o object) list(name string) []string {
	var all []string
	o.take(name, &all)
	for i, s := range all {
		all[i] = clean(s, maxText)
	}
	return all
}

// drop leaves these names out, in any letter case, as encoding/json reads them.
func (o object) drop(names []string) {
	maps.DeleteFunc(o, func(key string, _ json.RawMessage) bool {
		return slices.ContainsFunc(names, func(name string) bool { return fold(name) == fold(key) })
	})
}

// rest is what is left, or nil.
func (o object) rest() map[string]json.RawMessage {
	if len(o) == 0 {
		return nil
	}
	return o
}
