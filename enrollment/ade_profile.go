package enrollment

import "time"

// ADEProfile names the profile of Automated Device Enrollment that devices get which move to a service. Apple keeps the
// profile itself; it cannot be changed there, only replaced by another one.
type ADEProfile struct {
	UUID  string    `json:"uuid"`
	Name  string    `json:"name,omitempty"` // for people
	URL   string    `json:"url,omitempty"`  // of the MDM where devices enroll by it, for people
	SetAt time.Time `json:"set_at"`
	SetBy Actor     `json:"set_by"`
}
