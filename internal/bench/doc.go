// Package bench measures the library against its peers and against the bare standard library, and prints ratios of
// one run: absolute times differ from machine to machine, ratios do not.
//
// It is a module of its own, so that no importer of the library ever sees a peer among its dependencies.
package bench
