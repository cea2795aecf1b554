package dep

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/internal/untrusted"
)

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
	if raw := o[name]; o.take(name, &s) && s != "" && !untrusted.Identifier(s, untrusted.MaxText) {
		o[name], s = raw, ""
	}
	return s
}

// shown takes out a text for people.
func (o object) shown(name string) string {
	var s string
	o.take(name, &s)
	return untrusted.Clean(s, untrusted.MaxText)
}

// time takes out a point in time.
func (o object) time(name string) time.Time {
	var s string
	raw := o[name]
	if !o.take(name, &s) {
		return time.Time{}
	}
	at := untrusted.Text(s).At()
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
		all[i] = untrusted.Clean(s, untrusted.MaxText)
	}
	return all
}

// drop leaves these names out, in any letter case, as encoding/json reads them.
func (o object) drop(names []string) {
	maps.DeleteFunc(o, func(key string, _ json.RawMessage) bool {
		return slices.ContainsFunc(names, func(name string) bool { return untrusted.Fold(name) == untrusted.Fold(key) })
	})
}

// rest is what is left, or nil.
func (o object) rest() map[string]json.RawMessage {
	if len(o) == 0 {
		return nil
	}
	return o
}
