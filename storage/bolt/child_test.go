package bolt_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// childRole is the variable that makes this test binary another process of a test: it then does what the role says.
const childRole = "ABMRENEW_BOLT_TEST_ROLE"

// roles are what a child can be. It gets the arguments and its end is the process's.
var roles = map[string]func(args []string) error{
	"write": writeSteps,
	"hold":  holdFile,
}

func TestMain(m *testing.M) {
	role := os.Getenv(childRole)
	if role == "" {
		os.Exit(m.Run())
	}
	if err := roles[role](os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child is another process of this test binary.
type child struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	err *lastWords
}

// lastWords keeps what a child said on its standard error.
type lastWords struct{ text []byte }

func (l *lastWords) Write(p []byte) (int, error) {
	if len(l.text) < 4096 {
		l.text = append(l.text, p...)
	}
	return len(p), nil
}

// startChild starts a process in a role; before holds the words of a command that the process is started through.
func startChild(t *testing.T, before []string, role string, args ...string) *child {
	t.Helper()
	c := newChild(t, before, role, args...)
	require.NoError(t, c.Start())
	return c
}

func newChild(t *testing.T, before []string, role string, args ...string) *child {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	words := append(append(before, program), args...)
	// A child that a broken test forgets ends by itself.
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	c := &child{Cmd: exec.CommandContext(ctx, words[0], words[1:]...), err: &lastWords{}}
	c.Env = append(os.Environ(), childRole+"="+role)
	c.Stderr = c.err
	c.in, err = c.StdinPipe()
	require.NoError(t, err)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	c.out = bufio.NewScanner(out)
	return c
}

// acked reads the next number that the child wrote; false: it has ended.
func (c *child) acked(t *testing.T) (int, bool) {
	t.Helper()
	if !c.out.Scan() {
		return 0, false
	}
	n, err := strconv.Atoi(c.out.Text())
	require.NoError(t, err, "the child said %q", c.out.Text())
	return n, true
}
