package abmtoken

// Relation is how one token stands to another in time.
type Relation string

// The relations of two tokens.
const (
	Identical Relation = "identical" // the same credentials and expiry
	Newer     Relation = "newer"     // a later expiry
	Older     Relation = "older"     // an earlier expiry
	SameAge   Relation = "same_age"  // the same expiry, other credentials: only Apple knows which one lives
)

// Comparison is what [Compare] finds.
type Comparison struct {
	Relation Relation
	// OtherConsumerKey: the consumer keys differ. That alone is normal: each administrator who downloads may get an
	// own one for the same service.
	OtherConsumerKey bool
}

// Compare says how b relates to a. A later expiry is a later download, because Apple gives each token one year.
func Compare(a, b Token) Comparison {
	c := Comparison{Relation: SameAge, OtherConsumerKey: a.consumerKey != b.consumerKey}
	switch {
	case b.expires.After(a.expires):
		c.Relation = Newer
	case b.expires.Before(a.expires):
		c.Relation = Older
	case a.Fingerprint() == b.Fingerprint():
		c.Relation = Identical
	}
	return c
}
