// Package portal says what a person does at Apple's portals, step by step, as data: nobody can download a server token
// but a person with a browser.
//
// Apple renames buttons and moves pages, so there is one set of labels for each generation of the portals; the newest is
// the default. A step is named by a stable [StepID] and says one thing in every generation; what differs is its Path, the
// labels to click. A host that speaks another language translates the sentences by their identifiers, with the arguments
// of [Guide.Args], and leaves the labels as the portal shows them. Each label names the document that it was taken from,
// and how certain it is.
//
// The package is pure and its data never changes while a program runs: everything in it is safe for concurrent use.
//
// # Stability
//
// Identifiers of steps and notes are never reused for another meaning. Labels and sentences follow Apple's portals and
// may change in any release.
package portal
