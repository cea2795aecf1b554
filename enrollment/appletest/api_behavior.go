package appletest

import (
	"cmp"
	"time"
)

// API is what differs in the behaviour of the Apple Business and School Manager API.
type API struct {
	// APITokenLife is how long a bearer token lives; zero: an hour.
	APITokenLife time.Duration
	// APIPosts and APIGets limit the calls of an account: that many that change something in an hour, and that many others
	// in a minute; zero: no limit. About 10 and 20 were observed; Apple documents none.
	APIPosts, APIGets int
	// APIPageMax is how many entries a page has at most, whatever is asked for; zero: 1000.
	APIPageMax int
	// APIStuckCursor answers every page with a cursor that leads back to the beginning.
	APIStuckCursor bool
	// EmptyAssignedServer answers with an empty ID for a device without service, instead of 404; both were observed.
	EmptyAssignedServer bool

	// ActivityLag is how long an activity takes; minutes were observed.
	ActivityLag time.Duration
	// AssignmentLag is how much later than its activity has ended a device is assigned; 15 seconds and more were observed.
	AssignmentLag time.Duration
	// ActivityEnd is how activities end instead of COMPLETED: STOPPED or FAILED, with nothing done.
	ActivityEnd string
	// RefuseUnknownSerials refuses an activity that names a serial number of nobody, with 409, as is documented. Otherwise
	// it completes (observed), and only its log says what is wrong.
	RefuseUnknownSerials bool
	// SilentUnknownSerials leaves serial numbers of nobody out of the log as well.
	SilentUnknownSerials bool
	// NoMigrationAPI refuses the activity types that are about migration, as schools may have it for a while.
	NoMigrationAPI bool
	// LogColumns are the names of the three columns of a log; Apple does not document them.
	LogColumns []string
	// LogBase is where logs are said to be; empty: https://store.blobstore.apple.com. With [Apple.Handler] it is the
	// address of the listener.
	LogBase string
}

func (b API) apiTokenLife() time.Duration { return cmp.Or(b.APITokenLife, time.Hour) }
func (b API) logBase() string             { return cmp.Or(b.LogBase, "https://"+apiLogs) }
