package portal

import (
	"slices"
	"time"
)

// Guide is everything that a person needs to get one task done at one portal.
type Guide struct {
	Generation Generation `json:"generation,omitempty"` // empty for Push: that portal has one look
	Product    Product    `json:"product,omitempty"`    // empty for Push
	Task       Task       `json:"task"`
	Title      string     `json:"title"`
	Role       Role       `json:"role"`            // who can do it
	Steps      []Step     `json:"steps"`           // in this order
	Notes      []Note     `json:"notes,omitempty"` // good to know before
	Avoid      []Note     `json:"avoid,omitempty"` // what not to click

	// Args are for sentences in other languages: server, organization, certificate and devices as they were given, and the
	// portal's name, its url and its word for a service.
	Args map[string]string `json:"args"`
}

// StepID names a step: "renew.save". A sentence with a name means the same in every generation.
type StepID string

// Step is one thing that a person does.
type Step struct {
	ID      StepID  `json:"id"`
	Text    string  `json:"text"`              // in English, complete
	Path    []Label `json:"path,omitempty"`    // what is clicked, in this order; {path} in the sentence; empty: not known
	Warning *Note   `json:"warning,omitempty"` // read before the step is done

	// ReplacesCertificate marks the steps that the short way leaves out; see [Guide.ShortWay].
	ReplacesCertificate bool `json:"replaces_certificate,omitempty"`
	// KillsToken marks the step after which the token in use is certainly dead.
	KillsToken bool `json:"kills_token,omitempty"`
}

// Label is something to click, as the portal words it in English.
type Label struct {
	Text      string    `json:"text"`
	Certainty Certainty `json:"certainty"`
	Source    Source    `json:"source"`
}

// Certainty says how a label is known.
type Certainty string

// The certainties, from good to bad.
const (
	ByApple  Certainty = "apple"   // Apple's own text
	ByVendor Certainty = "vendor"  // the text of a vendor who follows the portal
	Assumed  Certainty = "assumed" // concluded from the portal's other pages; the wording may differ
)

// Source is the document that a label or a role was taken from.
type Source struct {
	Publisher string    `json:"publisher"`
	Title     string    `json:"title"`
	URL       string    `json:"url,omitempty"`
	Date      time.Time `json:"date"` // of the document; of the reading where it bears none
}

// Role says who may do a task: somebody with one of these roles, or with the permission.
type Role struct {
	Names      []string  `json:"names"`
	Permission string    `json:"permission,omitempty"` // empty: the portal of that generation knows fixed roles only
	Certainty  Certainty `json:"certainty"`
	Source     Source    `json:"source"`
}

// NoteID names a note: "warn.token_dies".
type NoteID string

// Note is a sentence beside the steps.
type Note struct {
	ID   NoteID `json:"id"`
	Text string `json:"text"`
}

// ShortWay returns the guide without the steps that replace the certificate. Apple makes the new token for the
// certificate that the service has, so it is the way to go where its private key is still held. A guide without
// such steps is returned as it is.
func (g Guide) ShortWay() Guide {
	kept := make([]Step, 0, len(g.Steps))
	for _, s := range g.Steps {
		if !s.ReplacesCertificate {
			kept = append(kept, s)
		}
	}
	g.Steps = kept
	g.Notes = slices.DeleteFunc(slices.Clone(g.Notes), func(n Note) bool { return n.ID == noteShortWay })
	return g
}

// Sources returns the documents that the guide rests on, each once, in the order of their first use.
func (g Guide) Sources() []Source {
	seen := map[Source]bool{}
	var all []Source
	add := func(s Source) {
		if !seen[s] {
			seen[s] = true
			all = append(all, s)
		}
	}
	add(g.Role.Source)
	for _, s := range g.Steps {
		for _, l := range s.Path {
			add(l.Source)
		}
	}
	return all
}
