package main

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/abmrenew/abmrenew/enrollment"
)

// budget is how many wipes may leave in any time of some lengths, as people write it: "10/20m,100/24h".
type budget []enrollment.Allowance

var budgetType = reflect.TypeFor[budget]()

var errBudget = errors.New("a budget is written like 10/20m,100/24h: so many wipes in any time of that length")

func parseBudget(text string) (budget, error) {
	var all budget
	for part := range strings.SplitSeq(text, ",") {
		most, in, found := strings.Cut(strings.TrimSpace(part), "/")
		n, err := strconv.ParseUint(most, 10, 31)
		if err != nil || !found {
			return nil, errBudget
		}
		d, err := parseDuration(in)
		if err != nil {
			return nil, errBudget
		}
		all = append(all, enrollment.Allowance{Most: int(n), In: time.Duration(d)})
	}
	return all, nil
}

func decodeBudget(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("budget", &text); err != nil {
		return err
	}
	b, err := parseBudget(text)
	target.Set(reflect.ValueOf(b))
	return err
}

// String writes it as it is read.
func (b budget) String() string {
	parts := make([]string, len(b))
	for i, a := range b {
		parts[i] = strconv.Itoa(a.Most) + "/" + duration(a.In).String()
	}
	return strings.Join(parts, ",")
}

// MarshalText is how it stands in JSON.
func (b budget) MarshalText() ([]byte, error) { return []byte(b.String()), nil }
