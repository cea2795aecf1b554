package main

import (
	"bytes"

	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"time"

	"github.com/stretchr/testify/require"
)

// process of a worker, which may be killed.
type worker struct {
	cmd  *exec.Cmd
	done chan struct{}
}

// spawn starts a worker process, whose own clock is off.
func (s *stage) spawn(off time.Duration, log io.Writer, args ...string) *worker {
	s.t.Helper()
	w := &worker{cmd: exec.Command(os.Args[0]), done: make(chan struct{})}
	order := append([]string{s.clock.path, off.String()}, s.runFlags(args...)...)
	w.cmd.Env = append(os.Environ(), childEnv+"="+strings.Join(order, "\n"))
	w.cmd.Stdout, w.cmd.Stderr = log, log
	require.NoError(s.t, w.cmd.Start())
	go func() { _ = w.cmd.Wait(); close(w.done) }()
	return w
}

func (w *worker) kill() {
	_ = w.cmd.Process.Kill()
	<-w.done
}

// crew is some worker processes, of which any may be killed and replaced at any time.
type crew struct {
	s    *stage
	args []string
	log  *lines
	all  []*worker
	off  []time.Duration // of the clock of the one in each place
}

// newCrew starts one worker for each clock.
func (s *stage) newCrew(offs []time.Duration, args ...string) *crew {
	s.t.Helper()
	c := &crew{s: s, args: args, log: &lines{}, off: offs}
	for _, off := range offs {
		c.all = append(c.all, s.spawn(off, c.log, args...))
	}
	s.t.Cleanup(func() {
		for _, w := range c.all {
			w.kill()
		}
		if s.t.Failed() {
			s.t.Logf("the workers' log ends so:\n%s", c.log.tail(8000))
		}
	})
	return c
}

// replace kills the worker in a place and starts another one.
func (c *crew) replace(i int) {
	c.all[i].kill()
	c.all[i] = c.s.spawn(c.off[i], c.log, c.args...)
}

// lines keeps what was logged, and counts.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *lines) tail(n int) string {
	text := l.String()
	return text[max(len(text)-n, 0):]
}

// problems counts the lines of a level by message.
func (l *lines) problems() map[string]int {
	found := map[string]int{}
	for line := range strings.SplitSeq(l.String(), "\n") {
		if _, rest, is := strings.Cut(line, `"level":"ERROR","msg":"`); is {
			message, _, _ := strings.Cut(rest, `"`)
			found[message]++
		}
	}
	return found
}
