package pgserver

import (
	"os"
	"sync"
)

// Test is what of a testing.TB is used here, so that programs which run servers do not bring the testing package along.
type Test interface {
	Helper()
	Cleanup(f func())
	Fatalf(format string, args ...any)
	Skipf(format string, args ...any)
}

// Needed skips a test whose outside component is missing; where everything is installed, that is a failure.
func Needed(t Test, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("CI installs PostgreSQL: %v", err)
	}
	t.Skipf("install PostgreSQL, or set ABMRENEW_TEST_DSN: %v", err)
}

// New makes and starts a quick server, which ends with the test.
func New(t Test, settings ...string) *Server {
	t.Helper()
	s, err := Make()
	Needed(t, err)
	t.Cleanup(s.Remove)
	if err := s.Start(append(append([]string{}, Quick...), settings...)...); err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

// shared is the server that most tests of a process use.
var shared struct {
	once sync.Once
	dsn  string
	own  *Server
	err  error
}

// DSN is that of the host's choice, or that of a server for all tests of this process; whose TestMain calls [Finish].
func DSN(t Test) string {
	t.Helper()
	shared.once.Do(func() {
		if shared.dsn = os.Getenv("ABMRENEW_TEST_DSN"); shared.dsn != "" {
			return
		}
		if shared.own, shared.err = Make(); shared.err == nil {
			shared.err = shared.own.Start(Quick...)
			shared.dsn = shared.own.DSN()
		}
	})
	Needed(t, shared.err)
	return shared.dsn
}

// Finish removes the shared server, if there is one.
func Finish() {
	if shared.own != nil {
		shared.own.Remove()
	}
}
