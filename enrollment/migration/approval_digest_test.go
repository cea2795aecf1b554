package migration_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/migration"
)

func content() migration.Content {
	return migration.Content{
		Tenant: "acme", Plan: "pln_1", Revision: 1, Caps: migration.CapsOf(enrollment.DefaultPolicy().Wipes),
		Route: migration.Route{From: "srv_old", To: "srv_new", Profile: "34D3B4F0AAAA4BBB8CCC0123456789AB", OldMDM: "mdm_old", NewMDM: "mdm_new"},
	}
}

func listed(serial string, s migration.Strategy) migration.Listed {
	d := enrollment.Device{Serial: serial, UDID: "udid-" + serial, Family: enrollment.FamilyMac, Model: "MacBook Air", Product: "Mac14,2", OS: "15.7"}
	return migration.Listed{Device: d, Decision: migration.Decision{Strategy: s, Options: enrollment.SafeWipe(d, false)}}
}

func digestOf(t testing.TB, c migration.Content, devices ...migration.Listed) string {
	t.Helper()
	d := migration.NewDigest(c)
	for _, l := range devices {
		require.NoError(t, d.Add(l))
	}
	sum, listing := d.Sum()
	require.Equal(t, len(devices), listing.Devices)
	again, _ := d.Sum()
	require.Equal(t, sum, again, "looking at it changes nothing")
	return sum
}

// Every field of a plan's content and of every device counts: whatever changes, the digest is another one.
func TestThreat13_WhateverChangesVoidsTheDigest(t *testing.T) {
	seen := map[string]string{}
	meet := func(what, digest string) {
		require.Len(t, digest, 64)
		require.NotContains(t, seen, digest, "%s has the digest of %s", what, seen[digest])
		seen[digest] = what
	}
	devices := func() []migration.Listed {
		return []migration.Listed{listed("A1", migration.Wipe), listed("B2", migration.Reassign)}
	}
	meet("the plan", digestOf(t, content(), devices()...))
	c := content()
	changeEach(t, reflect.ValueOf(&c).Elem(), "content", func(what string) { meet(what, digestOf(t, c, devices()...)) })
	l := devices()
	l[1].Decision.Reasons = []migration.Reason{migration.MDMStays}
	meet("a reason", digestOf(t, content(), l...))
	for i := range devices() {
		l := devices()
		changeEach(t, reflect.ValueOf(&l[i]).Elem(), fmt.Sprint("device ", i), func(what string) {
			if d := migration.NewDigest(content()); d.Add(l[0]) == nil && d.Add(l[1]) == nil {
				sum, _ := d.Sum()
				meet(what, sum)
			}
		})
	}
	meet("one device less", digestOf(t, content(), devices()[0]))
	meet("no device", digestOf(t, content()))
	meet("one more", digestOf(t, content(), append(devices(), listed("C3", migration.Wipe))...))
	assert.Greater(t, len(seen), 35)
}

// changeEach changes each field of a struct, one at a time, and visits what came of it.
func changeEach(t *testing.T, v reflect.Value, name string, visit func(string)) {
	for i := range v.NumField() {
		field, what := v.Field(i), name+"."+v.Type().Field(i).Name
		before := reflect.ValueOf(field.Interface())
		switch field.Kind() {
		case reflect.Struct:
			changeEach(t, field, what, visit)
			continue
		case reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), field.Len()+1, field.Len()+1))
		case reflect.String:
			field.SetString(field.String() + "X")
			if field.Type() == reflect.TypeFor[migration.Strategy]() {
				field.SetString(string(migration.Hands))
			}
		case reflect.Int, reflect.Int64:
			field.SetInt(field.Int() + 1)
		case reflect.Bool:
			field.SetBool(!field.Bool())
		default:
			t.Fatalf("change the new field %s, too", what)
		}
		visit(what)
		field.Set(before)
	}
}

// The digest goes by the sorted list: nothing out of order, nothing twice, nothing that is no serial number.
func TestADigestTakesASortedListOnly(t *testing.T) {
	for name, serials := range map[string][]string{
		"backwards": {"B2", "A1"}, "twice": {"A1", "A1"}, "empty": {""}, "small letters": {"a1"}, "two lines": {"A1\nB2"}, "a blank": {" A1"},
	} {
		d := migration.NewDigest(content())
		var err error
		for _, s := range serials {
			err = d.Add(listed(s, migration.Wipe))
		}
		var problem *enrollment.Problem
		if assert.ErrorAs(t, err, &problem, name) {
			assert.Equal(t, enrollment.CodeInvalidInput, problem.Code, name)
			assert.Equal(t, "serial", problem.Args["field"], name)
		}
		sum, listing := d.Sum()
		assert.Equal(t, digestOf(t, content(), kept(serials)...), sum, "%s: what was refused does not count", name)
		assert.Equal(t, len(kept(serials)), listing.Wipes, name)
	}
	d := migration.NewDigest(content())
	require.Error(t, d.Add(listed("A1", migration.Auto)), "a wish is no decision")
	_, listing := d.Sum()
	assert.Zero(t, listing)
}

// kept is what a digest takes of a list that begins well.
func kept(serials []string) []migration.Listed {
	if enrollment.NormalSerial(serials[0]) == serials[0] && serials[0] != "" {
		return []migration.Listed{listed(serials[0], migration.Wipe)}
	}
	return nil
}

func TestADigestCountsByWhatHappensToDevices(t *testing.T) {
	d := migration.NewDigest(content())
	for i, s := range []migration.Strategy{
		migration.Wipe, migration.Wipe, migration.Wipe, migration.Migrate, migration.Migrate, migration.Reassign, migration.Hands, migration.Nothing,
	} {
		require.NoError(t, d.Add(listed(fmt.Sprint("S", i), s)))
	}
	_, listing := d.Sum()
	assert.Equal(t, migration.Listing{Devices: 8, Wipes: 3, Migrations: 2, Reassigned: 1, Hands: 1, Nothing: 1}, listing)
}

// Approvals are stored and compared for weeks: a digest is the same in every version.
func TestADigestStaysWhatItWas(t *testing.T) {
	assert.Equal(t, "b9b76838589bc6a5fdc536986fe1dde80fa288c425039ce8b24665f9b7879d42", digestOf(t, content(), listed("A1", migration.Wipe), listed("B2", migration.Reassign)))
}

// A list of a million devices goes through in bounded memory.
func BenchmarkDigest(b *testing.B) {
	d := migration.NewDigest(content())
	l := listed("A1", migration.Wipe)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		l.Device.Serial = fmt.Sprintf("S%09d", n)
		n++
		if err := d.Add(l); err != nil {
			b.Fatal(err)
		}
	}
}
