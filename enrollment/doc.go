// Package enrollment holds the vocabulary of keeping Apple devices enrolled: tenants and the servers that they have
// at Apple, people who act, policies, problems, effects and notices. The state machines of package renewal, and the
// runner that drives them, speak in these words.
//
// The package is pure: values and functions of values. The interfaces that a host implements stand in ports.go.
package enrollment
