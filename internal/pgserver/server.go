package pgserver

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Quick are the settings that make a server quick and careless about power cuts, which most tests do not wait for.
var Quick = []string{"fsync=off", "full_page_writes=off"}

// usual are the settings of every server here.
var usual = []string{"listen_addresses=", "max_connections=200", "shared_buffers=256MB", "max_wal_size=4GB", "checkpoint_timeout=30min"}

// watched is a shell script that runs the server, ends it when its input ends, and ends with it.
const watched = `exec 3<&0; "$@" 3<&- & p=$!; { read -r _ <&3; kill -INT $p; } & r=$!; wait $p; kill $r`

// patience is how long a server may take to start, on a busy machine.
const patience = time.Minute

// Server is one server. Its methods are for one goroutine at a time.
type Server struct {
	dir  string
	log  bytes.Buffer
	cmd  *exec.Cmd
	life io.Closer // the server lives as long as this is open, which it is not after the end of this process, however it ends
	done chan struct{}
}

// Make makes the files of a server, which then is started with [Server.Start] and removed with [Server.Remove].
func Make() (*Server, error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "abmrenew-pg-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if err := s.initialize(initdb); err != nil {
		_ = os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

func (s *Server) initialize(initdb string) error {
	if err := Give(s.dir); err != nil {
		return err
	}
	cmd := Unprivileged(initdb, "-D", s.data(), "-U", "abmrenew", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--data-checksums")
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

// Start starts the server with settings of postgresql.conf, such as "fsync=off", and waits until it takes connections.
func (s *Server) Start(settings ...string) error {
	path, err := program("postgres")
	if err != nil {
		return err
	}
	args := []string{"-c", watched, "sh", path, "-D", s.data(), "-k", s.dir}
	for _, setting := range slices.Concat(usual, settings) {
		args = append(args, "-c", setting)
	}
	s.cmd = Unprivileged("/bin/sh", args...)
	s.cmd.Dir = s.dir
	s.log.Reset()
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if s.life, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	before := s.status(0) // a server that was killed leaves its file
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.done = make(chan struct{})
	go func() { _ = s.cmd.Wait(); close(s.done) }()
	late := time.NewTimer(patience)
	defer late.Stop()
	for !s.ready(before) {
		select {
		case <-s.done:
			return fmt.Errorf("the PostgreSQL server does not start: %s", s.log.String())
		case <-late.C:
			_ = s.life.Close()
			<-s.done
			return fmt.Errorf("the PostgreSQL server does not start within %v: %s", patience, s.log.String())
		case <-time.After(20 * time.Millisecond): // the server tells its state in a file, and nothing else
		}
	}
	return nil
}

// Stop ends the server: [os.Interrupt] ends its sessions at once and leaves clean files, [os.Kill] is a crash. It may be
// started again.
func (s *Server) Stop(how os.Signal) {
	if s.cmd == nil || s.life == nil {
		return
	}
	if process := s.Process(); process != nil {
		_ = process.Signal(how)
	}
	_ = s.life.Close()
	<-s.done
	s.cmd = nil
}

// Process is the server's first process, to which signals go; nil: it does not run.
func (s *Server) Process() *os.Process {
	pid, err := strconv.Atoi(s.status(0))
	if err != nil {
		return nil
	}
	process, _ := os.FindProcess(pid)
	return process
}

// Remove ends the server and removes its files.
func (s *Server) Remove() {
	s.Stop(os.Interrupt)
	_ = os.RemoveAll(s.dir)
}

// DSN is the connection string of a superuser.
func (s *Server) DSN() string { return "host=" + s.dir + " user=abmrenew dbname=postgres" }

// Data is the path of a file in the server's data folder, for those who damage it.
func (s *Server) Data(path string) string { return filepath.Join(s.data(), path) }

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// ready reports whether a server other than the one before says that it takes connections.
func (s *Server) ready(before string) bool { return s.status(0) != before && s.status(7) == "ready" }

// status is a line of the server's file: the first has its process, the eighth its state.
func (s *Server) status(line int) string {
	text, _ := os.ReadFile(s.Data("postmaster.pid")) // there is none while it does not run
	lines := strings.Split(string(text), "\n")
	if line >= len(lines) {
		return ""
	}
	return strings.TrimSpace(lines[line])
}
