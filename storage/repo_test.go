package storage_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/storage"
)

func TestAValueIsStoredAsJSONThatPeopleCanRead(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	due := time.Date(2026, 11, 24, 13, 0, 0, 123456789, time.FixedZone("CET", 3600))
	want := server{Name: "Acme <MDM> & \u2028", Site: "hq", State: "active", Due: due.UTC()}
	item := k.repo.New("acme", "srv_01", want)
	rec, err := k.repo.Encode(ctx, item)
	k.put(t, rec, err)

	stored, err := k.Get(ctx, k.repo.Key("acme", "srv_01"))
	require.NoError(t, err)
	assert.Equal(t, "hq", stored.Parent)
	assert.Equal(t, "active", stored.State)
	assert.Equal(t, storage.Instant(due), stored.Wake, "cut to what stores keep")
	assert.Contains(t, string(stored.Data), `{"schema":1,"mac":"`)
	assert.True(t, json.Valid(stored.Data))

	got, err := k.repo.Get(ctx, "acme", "srv_01")
	require.NoError(t, err)
	assert.EqualValues(t, 1, got.Version)
	assert.Equal(t, storage.Ref{RecordKey: stored.RecordKey, Version: 1}, got.Ref())
	assert.Empty(t, cmp.Diff(want, got.Value))

	got.Value.State = "expiring"
	rec, err = k.repo.Encode(ctx, got)
	k.put(t, rec, err)
	rec, err = k.repo.Encode(ctx, got)
	require.NoError(t, err)
	require.ErrorIs(t, k.Commit(ctx, storage.Write{Put: []storage.Record{rec}}), storage.ErrConflict)

	_, err = k.repo.Get(ctx, "acme", "srv_02")
	require.ErrorIs(t, err, storage.ErrNotFound)
	_, err = k.repo.Get(ctx, "umbrella", "srv_01")
	require.ErrorIs(t, err, storage.ErrNotFound)
}

func TestOneBadRecordDoesNotHideTheOthers(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	for _, id := range []string{"1", "2", "3"} {
		rec, err := k.repo.Encode(ctx, k.repo.New("acme", id, server{Name: id}))
		k.put(t, rec, err)
	}
	k.edit(t, k.repo.Key("acme", "2"), replace(t, `"name":"2"`, `"name":"4"`))

	items, damaged, err := k.repo.List(ctx, storage.Query{Tenant: "acme", Limit: 10})
	require.NoError(t, err)
	require.Len(t, items, 2)
	require.Len(t, damaged, 1)
	require.ErrorIs(t, damaged[0], storage.ErrDamaged)
	require.ErrorContains(t, damaged[0], "server acme/2")

	_, _, err = k.repo.List(ctx, storage.Query{Tenant: "acme"})
	require.ErrorIs(t, err, storage.ErrInvalid)
}

// Schema 1 had "title", schema 2 "label"; schema 3 has "name".
func chain() map[int]func(json.RawMessage) (json.RawMessage, error) {
	rename := func(from, to string) func(json.RawMessage) (json.RawMessage, error) {
		return func(old json.RawMessage) (json.RawMessage, error) {
			if !strings.Contains(string(old), from) {
				return nil, errors.New("no " + from)
			}
			return json.RawMessage(strings.Replace(string(old), from, to, 1)), nil
		}
	}
	return map[int]func(json.RawMessage) (json.RawMessage, error){1: rename("title", "label"), 2: rename("label", "name")}
}

type titled struct {
	Title string `json:"title"`
}

type labelled struct {
	Label string `json:"label"`
}

func TestOldSchemasAreUpgradedAsTheyAreRead(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	v1 := storage.NewRepo(k, k.sealer, storage.Spec[titled]{Kind: "server", Schema: 1})
	v2 := storage.NewRepo(k, k.sealer, storage.Spec[labelled]{Kind: "server", Schema: 2})
	v3 := storage.NewRepo(k, k.sealer, storage.Spec[server]{Kind: "server", Schema: 3, Upgrade: chain()})
	rec, err := v1.Encode(ctx, v1.New("acme", "1", titled{"one"}))
	k.put(t, rec, err)
	rec, err = v2.Encode(ctx, v2.New("acme", "2", labelled{"two"}))
	k.put(t, rec, err)

	for id, want := range map[string]string{"1": "one", "2": "two"} {
		item, err := v3.Get(ctx, "acme", id)
		require.NoError(t, err)
		require.Equal(t, want, item.Value.Name)
		rec, err := v3.Encode(ctx, item)
		k.put(t, rec, err)
		stored, err := k.Get(ctx, item.RecordKey)
		require.NoError(t, err)
		require.JSONEq(t, `3`, string(snapshotOf(t, stored)["schema"]), "written back in the present schema")
		item, err = v3.Get(ctx, "acme", id)
		require.NoError(t, err)
		require.Equal(t, want, item.Value.Name)
	}
}

func TestANewerSchemaIsRefusedAndLeftAsItIs(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	v2 := storage.NewRepo(k, k.sealer, storage.Spec[labelled]{Kind: "server", Schema: 2})
	rec, err := v2.Encode(ctx, v2.New("acme", "1", labelled{"one"}))
	k.put(t, rec, err)
	_, err = k.repo.Get(ctx, "acme", "1")
	require.ErrorIs(t, err, storage.ErrNewer)
	require.ErrorIs(t, err, storage.ErrDamaged)
	require.ErrorContains(t, err, "update this one")
	item, err := v2.Get(ctx, "acme", "1")
	require.NoError(t, err)
	require.Equal(t, "one", item.Value.Label)
}

func TestWhatDoesNotUpgradeIsDamaged(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	v1 := storage.NewRepo(k, k.sealer, storage.Spec[labelled]{Kind: "server", Schema: 1})
	rec, err := v1.Encode(ctx, v1.New("acme", "1", labelled{"one"})) // no title
	k.put(t, rec, err)
	for _, upgrades := range []map[int]func(json.RawMessage) (json.RawMessage, error){chain(), nil} {
		v3 := storage.NewRepo(k, k.sealer, storage.Spec[server]{Kind: "server", Schema: 3, Upgrade: upgrades})
		_, err = v3.Get(ctx, "acme", "1")
		require.ErrorIs(t, err, storage.ErrDamaged)
	}
}

func TestAValueOfAnotherTypeIsDamaged(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	other := storage.NewRepo(k, k.sealer, storage.Spec[[]int]{Kind: "server", Schema: 1})
	rec, err := other.Encode(ctx, other.New("acme", "1", []int{1}))
	k.put(t, rec, err)
	_, err = k.repo.Get(ctx, "acme", "1")
	require.ErrorIs(t, err, storage.ErrDamaged)
	rec.Kind = "site"
	_, err = k.repo.Decode(ctx, rec)
	require.ErrorIs(t, err, storage.ErrDamaged)
}

func TestInstallationRecordsOutliveTheirTenantsKey(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	spec := serverSpec()
	spec.Kind, spec.Installation = "audit", true
	audit := storage.NewRepo(k, k.sealer, spec)
	rec, err := audit.Encode(ctx, audit.New("acme", "1", server{Name: "kept"}))
	k.put(t, rec, err)
	rec, err = k.repo.Encode(ctx, k.repo.New("acme", "1", server{Name: "gone"}))
	k.put(t, rec, err)
	require.NoError(t, k.sealer.Shred(ctx, "acme"))

	_, err = audit.Get(ctx, "acme", "1")
	require.NoError(t, err)
	_, err = k.repo.Get(ctx, "acme", "1")
	require.ErrorIs(t, err, storage.ErrShredded)
	_, err = k.repo.Encode(ctx, k.repo.New("acme", "2", server{}))
	require.ErrorIs(t, err, storage.ErrShredded)
}

func TestASealerOutOfReachIsNoDamage(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	rec, err := k.repo.Encode(ctx, k.repo.New("acme", "1", server{}))
	require.NoError(t, err)
	repo := storage.NewRepo(k, brokenSealer{}, serverSpec())
	_, err = repo.Decode(ctx, rec)
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
	require.NotErrorIs(t, err, storage.ErrDamaged)
	_, err = repo.Encode(ctx, repo.New("acme", "1", server{}))
	require.ErrorIs(t, err, storage.ErrKeyUnavailable)
}

func TestAValueThatIsNoJSONIsNotStored(t *testing.T) {
	k := newKit(t)
	repo := storage.NewRepo(k, k.sealer, storage.Spec[chan int]{Kind: "server", Schema: 1})
	_, err := repo.Encode(context.Background(), repo.New("acme", "1", nil))
	require.ErrorContains(t, err, "encoding server acme/1")
}

// What reads a part of a value by a quicker way sees no byte that this program has not signed, and what it refuses is damaged.
func TestAQuickReadSeesSignedBytesOnly(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	rec, err := k.repo.Encode(ctx, k.repo.New("acme", "srv_01", server{Name: "Acme MDM", Count: 7}))
	k.put(t, rec, err)
	var refuse error
	var seen []string
	spec := serverSpec()
	spec.Read = func(s *server, data []byte) error {
		seen = append(seen, string(data))
		s.Count = 8
		return refuse
	}
	quick := storage.NewRepo(k, k.sealer, spec)
	got, err := quick.Get(ctx, "acme", "srv_01")
	require.NoError(t, err)
	assert.Equal(t, server{Count: 8}, got.Value)
	assert.Equal(t, []string{`{"name":"Acme MDM","count":7}`}, seen)

	refuse = errors.New("no number")
	_, err = quick.Get(ctx, "acme", "srv_01")
	require.ErrorIs(t, err, storage.ErrDamaged)

	seen = nil
	k.edit(t, rec.RecordKey, func(r *storage.Record) { r.Data = []byte(strings.Replace(string(r.Data), `"count":7`, `"count":9`, 1)) })
	_, err = quick.Get(ctx, "acme", "srv_01")
	require.ErrorIs(t, err, storage.ErrDamaged)
	assert.Empty(t, seen, "it was read before its signature was checked")
}

// Messages to be signed share buffers, one after the other; at the same time each has its own.
func TestARecordThatIsSignedMeanwhileChangesNoSignature(t *testing.T) {
	ctx := context.Background()
	k := newKit(t)
	other := func() {
		_, err := k.repo.Encode(ctx, k.repo.New("acme", "other", server{Name: "Another MDM"}))
		require.NoError(t, err)
	}
	busy := storage.NewRepo(k, interrupted{k.sealer, other}, serverSpec())
	want := server{Name: "Acme MDM"}
	rec, err := busy.Encode(ctx, busy.New("acme", "srv_01", want))
	require.NoError(t, err)
	for _, repo := range []*storage.Repo[server]{k.repo, busy} {
		got, err := repo.Decode(ctx, rec)
		require.NoError(t, err)
		assert.Equal(t, want, got.Value)
	}
}

// interrupted has something else signed before it looks at a message.
type interrupted struct {
	storage.Sealer
	by func()
}

func (i interrupted) Sign(ctx context.Context, tenant string, message []byte) ([]byte, error) {
	i.by()
	return i.Sealer.Sign(ctx, tenant, message)
}

func (i interrupted) Verify(ctx context.Context, tenant string, message, mac []byte) error {
	i.by()
	return i.Sealer.Verify(ctx, tenant, message, mac)
}
