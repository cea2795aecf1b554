package archtest

import "slices"

const module = "github.com/abmrenew/abmrenew"

// rule is what one package of the root module may import, beside the standard library.
type rule struct {
	pure  bool     // no I/O, clock, goroutine, panic or state; see pureStandard
	own   []string // packages of ours, below the module path
	other []string // path prefixes of other modules
}

// rules has every package of the root module. Arrows point down only: the runner to everything pure, adapters to the
// package that they serve, the storage packages to no word of the domain.
var rules = map[string]rule{
	"":         {}, // doc.go
	"abmtoken": {pure: true, other: []string{"golang.org/x/crypto/cryptobyte"}},
	"apns": {pure: true, other: []string{
		"golang.org/x/crypto/cryptobyte", "github.com/micromdm/plist", "software.sslmate.com/src/go-pkcs12",
	}},

	"apns/apnshttp": {own: []string{"apns", "internal/dialguard"}, other: []string{"golang.org/x/net/http2"}},

	"enrollment":                {pure: true},
	"enrollment/renewal":        {pure: true, own: []string{"enrollment", "internal/outbox"}},
	"enrollment/migration":      {pure: true, own: []string{"enrollment", "internal/outbox"}},
	"enrollment/portal":         {pure: true},
	"enrollment/runner":         {own: []string{"abmtoken", "apns", "enrollment", "enrollment/migration", "enrollment/renewal", "enrollment/portal", "storage"}},
	"enrollment/dep":            {own: []string{"abmtoken", "internal/dialguard", "internal/hold", "internal/untrusted", "enrollment"}, other: []string{"github.com/dghubble/oauth1", "golang.org/x/sync/singleflight"}},
	"enrollment/axm":            {own: []string{"abmtoken", "internal/dialguard", "internal/hold", "internal/untrusted", "enrollment"}, other: []string{"github.com/golang-jwt/jwt/v5", "golang.org/x/sync/singleflight"}},
	"enrollment/enrollmenttest": {own: []string{"enrollment"}, other: testLibraries},
	"enrollment/nanomdm":        {own: []string{"abmtoken", "internal/dialguard", "enrollment"}, other: []string{"github.com/micromdm/plist"}},
	"enrollment/slognotify":     {own: []string{"enrollment"}},
	"enrollment/appletest":      {other: []string{"github.com/smallstep/pkcs7", "golang.org/x/crypto/cryptobyte", "golang.org/x/net/http2"}}, // the fake knows Apple, not us

	"enrollment/appletest/fleet": {own: []string{"enrollment", "enrollment/appletest"}},

	"storage":             {},
	"storage/memory":      {own: []string{"storage"}},
	"storage/seal":        {own: []string{"storage"}, other: []string{"golang.org/x/sys/unix"}},
	"storage/bolt":        {own: []string{"storage"}, other: []string{"go.etcd.io/bbolt", "golang.org/x/sys/unix"}},
	"storage/storagetest": {own: []string{"storage"}, other: testLibraries},

	"internal/archtest":  {},
	"internal/dialguard": {},
	"internal/hold":      {},
	"internal/installation": {own: []string{
		"abmtoken", "enrollment", "enrollment/appletest", "enrollment/appletest/fleet", "enrollment/dep", "enrollment/migration",
		"enrollment/runner", "storage", "storage/memory", "storage/seal",
	}},
	"internal/machinetest": {own: []string{"enrollment"}, other: testLibraries},
	"internal/untrusted":   {},
	"internal/pgserver":    {},
	"internal/outbox":      {pure: true, own: []string{"enrollment"}},
}

// pureStandard is all that a pure package may import of the standard library.
var pureStandard = []string{
	"bytes", "cmp", "crypto", "crypto/*", "embed", "encoding/*", "errors", "fmt", "hash", "hash/*", "io", "iter", "maps", "math",
	"math/big", "math/bits", "regexp", "slices", "sort", "strconv", "strings", "text/template", "time", "unicode", "unicode/*",
}

// notPure are packages of pureStandard's families that reach outside all the same.
var notPure = []string{"crypto/rand", "crypto/tls", "encoding/gob"}

// exception lets one file, or a whole package, import what is otherwise refused.
type exception struct {
	file   string // path below the root; a folder ends in a slash
	path   string
	reason string
}

var exceptions = []exception{
	{"abmtoken/", "crypto/rand", "keys, serials and decryption need randomness; the runner calls it as an effect"},
	{"abmtoken/secret.go", "log/slog", "a secret redacts itself in a log"},
	{"abmtoken/keypair.go", "log/slog", "a key pair redacts itself in a log"},
	{"abmtoken/token.go", "log/slog", "a token redacts itself in a log"},
	{"apns/", "crypto/rand", "keys and requests need randomness; the runner calls it as an effect"},
	{"apns/key.go", "log/slog", "a private key redacts itself in a log"},
	{"apns/vendor.go", "context", "the signature of a port that it implements"},
	{"abmtoken/ports.go", "context", "signatures of a port only"},
	{"apns/ports.go", "context", "signatures of a port only"},
	{"enrollment/ports.go", "context", "signatures of a port only"},
}

// clockCalls are the functions of package time that read a clock or wait.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// testLibraries must never be linked into a host's program.
var testLibraries = []string{
	"testing", "github.com/stretchr/testify", "github.com/google/go-cmp", "pgregory.net/rapid", "github.com/smallstep/pkcs7",
}

// forTests are packages that hosts import in tests only, with the test libraries that they may bring along.
var forTests = map[string][]string{
	"storage/storagetest":       testLibraries,
	"enrollment/enrollmenttest": testLibraries,
	"internal/machinetest":      testLibraries,
	"enrollment/appletest":      {"github.com/smallstep/pkcs7"}, // examples run it too, so it may not import testing

	"enrollment/appletest/fleet": {"github.com/smallstep/pkcs7"},
	"internal/installation":      {"github.com/smallstep/pkcs7"},
}

// light are packages whose importers get these modules and nothing else.
var light = map[string][]string{
	"abmtoken":   {"golang.org/x/crypto"},
	"apns":       {"golang.org/x/crypto", "github.com/micromdm/plist", "software.sslmate.com/src/go-pkcs12"},
	"enrollment": nil, "enrollment/renewal": nil, "enrollment/migration": nil, "enrollment/portal": nil, "storage": nil,
}

// noExample are the packages without an Example function.
var noExample = map[string]string{
	"":                        "documentation only",
	"internal/archtest":       "internal",
	"examples":                "is examples",
	"examples/embed/rmm":      "is part of one",
	"internal/bench":          "internal",
	"internal/bench/database": "internal",
	"internal/dialguard":      "internal",
	"internal/hold":           "internal",
	"internal/installation":   "internal",
	"internal/machinetest":    "internal",
	"internal/outbox":         "internal",
	"internal/pgserver":       "internal",
	"internal/untrusted":      "internal",
}

// vagueNames are no names for a package or file: they say nothing about what is inside.
var vagueNames = []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "types", "manager"}

const maxLines = 350

// allows reports whether a path is of one of these modules or below one of these packages.
func allows(list []string, path string) bool {
	return slices.ContainsFunc(list, func(allowed string) bool { return within(path, allowed) })
}
