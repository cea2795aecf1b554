// Package archtest holds the tests that keep the shape of this repository: which package may import what, what a pure
// package may do, what is linked into a host's program, how large a file may be, and that the documents name things that
// exist. Everything is in test files: nothing of it is ever built into a program.
//
// A rule that stands in the way is changed here, with its reason, in the same commit.
package archtest
