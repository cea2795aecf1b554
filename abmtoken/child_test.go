package abmtoken_test

import (
	"os"
	"os/exec"
	"testing"
)

const childVariable = "ABMTOKEN_CHILD"

// isChild reports whether this process was started by child, and for which job.
func isChild() string { return os.Getenv(childVariable) }

// child runs the current test again in a process of its own, with these variables, and returns what it printed.
func child(t *testing.T, job string, environment ...string) (output string, err error) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	command.Env = append(os.Environ(), append(environment, childVariable+"="+job)...)
	printed, err := command.CombinedOutput()
	return string(printed), err
}
