package enrollment

// ActorKind says what sort of actor acts.
type ActorKind string

// The kinds of actors. Only persons confirm and approve.
const (
	Person ActorKind = "person"
	Key    ActorKind = "key" // an API key or a service account of the host
	System ActorKind = "system"
)

// Actor is who does something, as the host's own login knows them. It is written to the audit as given.
type Actor struct {
	ID     string    `json:"id"` // stable; two actors are the same person if their IDs are equal
	Name   string    `json:"name,omitempty"`
	Kind   ActorKind `json:"kind"`
	Source string    `json:"source,omitempty"` // the address that the request came from
}

// Nobody is the actor of what the library does by itself.
var Nobody = Actor{ID: "abmrenew", Kind: System}

// Valid reports whether a acts in a known way under some ID.
func (a Actor) Valid() bool {
	switch a.Kind {
	case Person, Key, System:
		return a.ID != ""
	}
	return false
}
