// Package examples holds the programs that show the library at work. It is a module of its own: what a program
// needs, an importer of the library does not get.
package examples
