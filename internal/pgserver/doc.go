// Package pgserver runs PostgreSQL servers for tests and benchmarks: from the programs that are installed, as an unprivileged
// user, on a socket in a folder of their own, which goes with the server. Whoever has a server already names it in the
// environment as ABMRENEW_TEST_DSN.
package pgserver
