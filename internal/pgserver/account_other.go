//go:build !unix

package pgserver

import "os/exec"

// Unprivileged is a command that runs as an account which may run servers.
func Unprivileged(path string, args ...string) *exec.Cmd { return exec.Command(path, args...) }

// Give lets the server's account have a folder.
func Give(string) error { return nil }
