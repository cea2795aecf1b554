package runner

import (
	"github.com/abmrenew/abmrenew/abmtoken"
	"github.com/abmrenew/abmrenew/apns"
)

// MakeKeysWith lets a test make key pairs in its own way: quicker, slower, counted.
func (r *Runner) MakeKeysWith(newPair func(abmtoken.KeyOptions) (abmtoken.KeyPair, error)) {
	r.newPair = newPair
}

// MakePushKeysWith does the same for the keys of push certificates.
func (r *Runner) MakePushKeysWith(newKey func() (apns.Key, error)) { r.newKey = newKey }

// LookAtMost has one look of a plan ask about so many devices only.
func (r *Runner) LookAtMost(devices int) { r.mostLooked = devices }
