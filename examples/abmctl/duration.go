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
	if err != nil || text == "" || n > math.MaxInt64/uint64(24*time.Hour) {
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

// String writes whole days as days, and no zeros behind.
func (d duration) String() string {
	const day = 24 * time.Hour
	whole := time.Duration(d)
	text := whole.String()
	switch {
	case whole > 0 && whole%day == 0:
		text = strconv.FormatInt(int64(whole/day), 10) + "d"
	case whole >= time.Hour && whole%time.Hour == 0:
		text = strings.TrimSuffix(text, "0m0s")
	case whole >= time.Minute && whole%time.Minute == 0:
		text = strings.TrimSuffix(text, "0s")
	}
	return text
}

// MarshalText is how it stands in JSON.
func (d duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
