package storagetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/abmrenew/abmrenew/storage"
)

// world fills a store with records of several kinds, tenants, parents and states, and returns those of one kind in
// the order of listings.
func (e *env) world(ctx context.Context) ([]storage.Record, error) {
	var all []storage.Record
	for _, tenant := range []string{"", "a", "a\x01", "a/b", "b", "é"} {
		for i, id := range []string{"1", "1\x01", "10", "2", "é"} {
			all = append(all, storage.Record{
				RecordKey: storage.RecordKey{Kind: kind, Tenant: tenant, ID: id},
				Parent:    []string{"", "p", "p2"}[i%3], State: []string{"", "s", "s\x01", "t"}[(i+len(tenant))%4], Version: 1,
			})
		}
	}
	stored := slices.Clone(all)
	for _, k := range []string{"thin", "thing2"} {
		stored = append(stored, storage.Record{RecordKey: storage.RecordKey{Kind: k, Tenant: "a", ID: "1"}, Parent: "p", State: "s"})
	}
	slices.Reverse(stored)
	for i := range stored {
		stored[i].Version = 0
	}
	return all, e.put(ctx, stored...)
}

// history fills a store as world does, with a record that was deleted and one that was claimed besides.
func (e *env) history(ctx context.Context) (all []storage.Record, gone, claimed storage.Record, err error) {
	gone = record("gone")
	if all, err = e.world(ctx); err == nil {
		err = e.put(ctx, gone, waking("due", start.Add(-time.Hour)))
	}
	if err != nil {
		return nil, gone, claimed, err
	}
	gone.Version = 1
	if err := e.Commit(ctx, storage.Write{Delete: []storage.Ref{gone.Ref()}}); err != nil {
		return nil, gone, claimed, err
	}
	c, err := e.Claim(ctx, claim(1, kind))
	if err != nil || len(c.Records) != 1 {
		return nil, gone, claimed, wrong(err, "claimed %v", ids(c.Records))
	}
	return all, gone, c.Records[0], nil
}

var queries = []storage.Query{
	{AllTenants: true}, {Tenant: ""}, {Tenant: "a"}, {Tenant: "none"},
	{AllTenants: true, Parent: "p"}, {Tenant: "a", Parent: "p"},
	{AllTenants: true, State: "s"}, {Tenant: "a", State: "s"}, {Tenant: "a/b", State: "t"},
	{AllTenants: true, Parent: "p", State: "s"}, {Tenant: "b", Parent: "p2", State: "t"},
}

func selected(all []storage.Record, q storage.Query) (want []storage.Record) {
	for _, r := range all {
		if (q.AllTenants || r.Tenant == q.Tenant) && (q.Parent == "" || r.Parent == q.Parent) && (q.State == "" || r.State == q.State) {
			want = append(want, r)
		}
	}
	return want
}

func equal(got, want []storage.Record) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d records, want %d", len(got), len(want))
	}
	for i := range got {
		if err := same(got[i], want[i]); err != nil {
			return wrong(err, "record %d", i)
		}
	}
	return nil
}

var listCases = []testCase{
	{name: "a listing is complete and in order", run: func(ctx context.Context, e *env) error {
		all, err := e.world(ctx)
		if err != nil {
			return err
		}
		for _, q := range queries {
			q.Kind, q.Limit = kind, storage.MaxPage
			got, err := e.List(ctx, q)
			if err := errors.Join(err, equal(got, selected(all, q))); err != nil {
				return wrong(err, "%+v", q)
			}
		}
		return nil
	}},
	{name: "pages continue behind the last record", run: func(ctx context.Context, e *env) error {
		all, err := e.world(ctx)
		if err != nil {
			return err
		}
		for _, q := range queries {
			q.Kind, q.Limit = kind, 2
			var got []storage.Record
			for range len(all) {
				page, err := e.List(ctx, q)
				if err != nil || len(page) > q.Limit {
					return wrong(err, "a page of %d records", len(page))
				}
				if len(page) == 0 {
					break
				}
				got = append(got, page...)
				q.After = page[len(page)-1].Position()
			}
			if err := equal(got, selected(all, q)); err != nil {
				return wrong(err, "%+v", q)
			}
		}
		return nil
	}},
	{name: "a page continues where its record was deleted", run: func(ctx context.Context, e *env) error {
		if err := e.put(ctx, record("a"), record("b"), record("c")); err != nil {
			return err
		}
		if err := e.Commit(ctx, storage.Write{Delete: []storage.Ref{{RecordKey: key("b"), Version: 1}}}); err != nil {
			return err
		}
		page, err := e.List(ctx, storage.Query{Kind: kind, Tenant: "acme", After: storage.Position{Tenant: "acme", ID: "b"}, Limit: 9})
		if got := ids(page); err != nil || !slices.Equal(got, []string{"c"}) {
			return wrong(err, "behind b: %v; want c", got)
		}
		return nil
	}},
	{name: "a count counts by state", run: func(ctx context.Context, e *env) error {
		all, err := e.world(ctx)
		if err != nil {
			return err
		}
		for _, q := range queries {
			q.Kind = kind
			want := map[string]int{}
			for _, r := range selected(all, q) {
				want[r.State]++
			}
			q.Limit, q.After = 1, storage.Position{Tenant: "b"} // both ignored
			if got, err := e.Count(ctx, q); err != nil || !maps.Equal(got, want) {
				return wrong(err, "%+v: counted %v; want %v", q, got, want)
			}
		}
		return nil
	}},
	{name: "columns are found as they are now", run: func(ctx context.Context, e *env) error {
		r := record("a")
		r.Parent, r.State = "p", "new"
		if err := e.put(ctx, r); err != nil {
			return err
		}
		r.Version, r.State = 1, "done" // the state alone
		if err := e.put(ctx, r); err != nil {
			return err
		}
		for range 2 {
			r.Version++
			for _, q := range []storage.Query{{Parent: r.Parent, State: r.State}, {State: r.State}, {Parent: r.Parent}} {
				q.Kind, q.AllTenants, q.Limit = kind, true, 10
				page, err := e.List(ctx, q)
				if err := errors.Join(err, equal(page, []storage.Record{r})); err != nil {
					return wrong(err, "%+v", q)
				}
			}
			for _, q := range []storage.Query{{State: "new"}, {Parent: "p", State: "new"}} {
				q.Kind, q.AllTenants, q.Limit = kind, true, 10
				if page, err := e.List(ctx, q); err != nil || len(page) > 0 {
					return wrong(err, "%+v: found by what it was: %v", q, ids(page))
				}
			}
			r.Parent = "q"
			if err := e.put(ctx, r); err != nil {
				return err
			}
		}
		page, err := e.List(ctx, storage.Query{Kind: kind, AllTenants: true, Parent: "p", Limit: 10})
		if err != nil || len(page) > 0 {
			return wrong(err, "found by the parent that it had: %v", ids(page))
		}
		return nil
	}},
}

var lastingCases = []testCase{
	{name: "everything survives a restart", durable: true, run: func(ctx context.Context, e *env) error {
		all, gone, claimed, err := e.history(ctx)
		if err != nil {
			return err
		}
		e.reopen()
		got, err := e.List(ctx, storage.Query{Kind: kind, Tenant: "a", Limit: 10})
		err = errors.Join(err, equal(got, selected(all, storage.Query{Tenant: "a"})), e.holds(ctx, claimed), e.lacks(ctx, gone.RecordKey))
		if err != nil {
			return err
		}
		if err := e.put(ctx, record("gone")); err != nil {
			return err
		}
		return e.wantConflict(ctx, "a hold from before", gone.RecordKey, storage.Write{Hold: []storage.Ref{gone.Ref()}})
	}},
}
