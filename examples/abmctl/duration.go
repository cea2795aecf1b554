package main

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// duration is a time.Duration that a person writes in days, too: "30d", "12h", "1d12h".
type duration time.Duration

var durationType = reflect.TypeFor[duration]()

var errDuration = errors.New("a duration is written like 30d, 12h or 1d12h")

func parseDuration(text string) (duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 16)
	if err != nil || n > math.MaxInt64/uint64(24*time.Hour) {
		return 0, errDuration
	}
	whole := time.Duration(n) * 24 * time.Hour
	if rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 {
			return 0, errDuration
		}
		whole += more
	}
	return duration(whole), nil
}

func decodeDuration(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
		return err
	}
	d, err := parseDuration(text)
	target.SetInt(int64(d))
	return err
}

// String writes whole days as days.
func (d duration) String() string {
	const day = 24 * time.Hour
	if d := time.Duration(d); d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := time.Duration(d).String()
	text = strings.TrimSuffix(text, "m0s") + strings.Repeat("m", strings.Count(text, "m0s"))
	return strings.TrimSuffix(text, "h0m") + strings.Repeat("h", strings.Count(text, "h0m"))
}

// MarshalText is how it stands in JSON.
func (d duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
