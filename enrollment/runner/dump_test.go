package runner_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/enrollment/runner"
	"github.com/abmrenew/abmrenew/storage"
	"github.com/abmrenew/abmrenew/storage/seal"
)

// dump is everything that a store holds, as somebody with a database client sees it.
type dump map[storage.RecordKey]storage.Record

func dumpOf(t testing.TB, store storage.Store) dump {
	t.Helper()
	kinds := []string{storage.KindSecret, seal.Kind}
	for _, k := range runner.KeptKinds() {
		kinds = append(kinds, k.Kind)
	}
	out := dump{}
	for _, kind := range kinds {
		for after := (storage.Position{}); ; {
			page, err := store.List(ctx(t), storage.Query{Kind: kind, AllTenants: true, After: after, Limit: storage.MaxPage})
			require.NoError(t, err)
			for _, rec := range page {
				out[rec.RecordKey] = rec
				after = rec.Position()
			}
			if len(page) < storage.MaxPage {
				break
			}
		}
	}
	return out
}

// fields is the value of a record, without its schema and signature.
func fields(t testing.TB, rec storage.Record) map[string]any {
	t.Helper()
	var snapshot struct{ Value map[string]any }
	require.NoError(t, json.Unmarshal(rec.Data, &snapshot), rec.RecordKey)
	return snapshot.Value
}

// bookkeeping is what a refusal may change of a record: that it happened.
var bookkeeping = map[string][]string{
	runner.KindServer:       {"audit", "uploads"},
	runner.KindRenewal:      {"problem", "revision"},
	runner.KindTenant:       {"audit"},
	runner.KindInstallation: {"audit", "policy"},
}

// onlyWrittenDown says that nothing happened between two dumps but that refusals were written down: secrets, keys and owners
// are the same byte for byte, servers and renewals the same but for the problem and the end of their history, which has
// this many entries more.
func onlyWrittenDown(t testing.TB, before, after dump, entries int) {
	t.Helper()
	for key := range before {
		require.Contains(t, after, key, "it is gone")
	}
	added := 0
	for key, rec := range after {
		was, existed := before[key]
		switch {
		case existed && string(was.Data) == string(rec.Data):
			assert.Equal(t, was.Wake, rec.Wake, "%v is due at another time", key)
		case existed && bookkeeping[key.Kind] != nil:
			old, now := fields(t, was), fields(t, rec)
			for _, name := range bookkeeping[key.Kind] {
				delete(old, name)
				delete(now, name)
			}
			assert.Equal(t, old, now, key)
			assert.Equal(t, was.Wake, rec.Wake, "%v is due at another time", key)
		case existed:
			t.Errorf("%v changed", key)
		case key.Kind == runner.KindAudit:
			added++
			assert.EqualValues(t, enrollment.ActFileRefused, fields(t, rec)["act"], "%v", key)
		case key.Kind == runner.KindInstallation: // made for its first audit entry
			assert.Equal(t, map[string]any{}, fields(t, rec)["policy"])
		default:
			t.Errorf("%v is new", key)
		}
	}
	assert.Equal(t, entries, added, "audit entries")
}

// sameCredentials says that every secret, key and owner is byte for byte as it was, and that the server has the same token,
// keys and pin; it returns how many secrets came to them.
func sameCredentials(t testing.TB, before, after dump) (fresh int) {
	t.Helper()
	for key, was := range before {
		rec, there := after[key]
		require.True(t, there, "%v is gone", key)
		switch key.Kind {
		case storage.KindSecret, seal.Kind, runner.KindService, runner.KindRecipient:
			assert.Equal(t, was, rec)
		case runner.KindServer:
			old, now := fields(t, was), fields(t, rec)
			for _, name := range []string{"token", "keys", "pin", "admin"} {
				assert.Equal(t, old[name], now[name], "%s of %v", name, key)
			}
		}
	}
	for key := range after {
		if _, known := before[key]; !known && key.Kind == storage.KindSecret {
			fresh++
		}
	}
	return fresh
}

// secretReads notes which key pairs are read.
type secretReads struct {
	storage.Store
	keys []string
}

func (s *secretReads) Get(ctx context.Context, k storage.RecordKey) (storage.Record, error) {
	rec, err := s.Store.Get(ctx, k)
	if k.Kind == storage.KindSecret && rec.State == "key" {
		s.keys = append(s.keys, k.ID)
	}
	return rec, err
}
