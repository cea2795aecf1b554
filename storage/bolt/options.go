package bolt

import "time"

// Options of a store. The zero value is good.
type Options struct {
	// Wait is how long a call waits for another process to release the file. Zero: five seconds.
	Wait time.Duration
	// Now gives the store's present, by which leases run and all that a runner over the store does. Nil: the system's clock.
	Now func() time.Time

	// noSync leaves the file to the operating system's mercy: the control of the power cut test.
	noSync bool
}

func (o Options) withDefaults() Options {
	if o.Wait <= 0 {
		o.Wait = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}
