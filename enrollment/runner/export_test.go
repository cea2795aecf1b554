package runner

import "github.com/abmrenew/abmrenew/abmtoken"

// MakeKeysWith lets a test make key pairs in its own way: quicker, slower, counted.
func (r *Runner) MakeKeysWith(newPair func(abmtoken.KeyOptions) (abmtoken.KeyPair, error)) {
	r.newPair = newPair
}
