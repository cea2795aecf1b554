package abmtoken

import "time"

// Token is one server token: the OAuth 1.0a credentials of the device assignment service. Its texts are opaque;
// nothing may be concluded from their form or length. The zero Token is not valid; [ParseToken] makes them.
type Token struct {
	consumerKey    string
	consumerSecret Secret
	accessToken    Secret
	accessSecret   Secret
	expires        time.Time
	json           Secret
}
