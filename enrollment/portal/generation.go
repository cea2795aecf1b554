package portal

import (
	"fmt"
	"slices"
	"strings"
)

// Generation is one look of Apple's portals, named for the year in which it was the current one.
type Generation string

// The generations, newest first.
const (
	Generation2026 Generation = "2026" // Apple Business, since April 2026
	Generation2025 Generation = "2025" // Apple Business Manager with "Device Management Services", late 2025 to early 2026
	Generation2024 Generation = "2024" // Apple Business Manager with "MDM Servers", until 2025
)

// Newest is the generation that counts where none is named.
const Newest = Generation2026

// Generations returns every generation, newest first.
func Generations() []Generation { return []Generation{Generation2026, Generation2025, Generation2024} }

// Product is one of Apple's two portals.
type Product string

// The products. Business is the one that counts where none is named.
const (
	Business Product = "business" // Apple Business, Apple Business Manager until April 2026
	School   Product = "school"   // Apple School Manager
)

// Products returns both products.
func Products() []Product { return []Product{Business, School} }

// Task is what a person wants to get done at a portal.
type Task string

// The tasks.
const (
	Renew Task = "renew" // a new token for a service that exists
	Add   Task = "add"   // a new service and its first token
	Push  Task = "push"  // a renewed push certificate, at its own portal; not for a first one, which has no row to renew

	Assign  Task = "assign"  // devices go to another service; nothing happens on them
	Migrate Task = "migrate" // devices go to another service and change to it by a deadline, without an erase
)

// Tasks returns every task.
func Tasks() []Task { return []Task{Renew, Add, Push, Assign, Migrate} }

// UnknownError says that a generation, product or task does not exist, and which do.
type UnknownError struct {
	What  string // "portal generation", "product" or "task"
	Value string
	Known []string
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("portal: there is no %s %q; choose one of: %s", e.What, e.Value, strings.Join(e.Known, ", "))
}

// known returns value, usual if value is empty, or an [*UnknownError].
func known[T ~string](what string, value, usual T, all []T) (T, error) {
	if value == "" {
		value = usual
	}
	if slices.Contains(all, value) {
		return value, nil
	}
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = string(v)
	}
	return "", &UnknownError{What: what, Value: string(value), Known: names}
}
