package enrollment_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/abmrenew/abmrenew/enrollment"
)

var tess = enrollment.Actor{ID: "u-7", Name: "Tess", Kind: enrollment.Person, Source: "192.0.2.7"}

// written is a history of n entries and its end.
func written(n int) ([]enrollment.AuditEntry, enrollment.AuditHead) {
	var head enrollment.AuditHead
	entries := make([]enrollment.AuditEntry, n)
	for i := range entries {
		entries[i], head = head.Append("srv_1", t0.Add(time.Duration(i)*time.Minute), enrollment.AuditFact{
			Act: enrollment.ActFileAccepted, By: tess, From: "awaiting_upload", To: "verifying",
			Detail: map[string]string{"n": fmt.Sprint(i), "fingerprint": "00ff"},
		})
	}
	return entries, head
}

// broken walks a history as a verifier does and returns the number of the first entry that is not what was written
// there, 0 if all are. What is kept elsewhere, the end, shows what is missing there.
func broken(entries []enrollment.AuditEntry, end enrollment.AuditHead) int64 {
	var head enrollment.AuditHead
	for _, e := range entries {
		if head.Seq == end.Seq || !e.Follows(head) {
			return head.Seq + 1
		}
		head = enrollment.AuditHead{Seq: e.Seq, Hash: e.Hash()}
	}
	if head != end {
		return head.Seq + 1
	}
	return 0
}

func TestAuditChain(t *testing.T) {
	entries, head := written(3)
	require.Equal(t, int64(3), head.Seq)
	require.Empty(t, entries[0].Previous)
	require.Equal(t, entries[0].Hash(), entries[1].Previous)
	require.Equal(t, entries[2].Hash(), head.Hash)
	require.Len(t, head.Hash, 64)
	require.Zero(t, broken(entries, head))
	require.Zero(t, broken(nil, enrollment.AuditHead{}))
}

// The hash is part of what auditors keep elsewhere: it must never change for an entry that exists.
func TestAuditHashIsStable(t *testing.T) {
	entries, _ := written(2)
	text, err := json.Marshal(entries[1])
	require.NoError(t, err)
	require.JSONEq(t, `{"subject":"srv_1","seq":2,"at":"2026-03-01T12:01:00Z","act":"file_accepted",
		"by":{"id":"u-7","name":"Tess","kind":"person","source":"192.0.2.7"},"from":"awaiting_upload","to":"verifying",
		"detail":{"fingerprint":"00ff","n":"1"},"previous":"`+entries[0].Hash()+`"}`, string(text))
	require.Equal(t, "91b2ac543c060317e610eaa28c326306976652165b13239431d1d87e60c4a919", entries[1].Hash())
}

// Every way to forge a history is reported, at the first entry that is not the one that was written there. An edit is
// seen where the next entry points back to what is no longer there, or at the end that is kept with the subject.
func TestThreat20_EachForgeryOfAHistoryIsReportedAtItsPlace(t *testing.T) {
	edits := map[string]func(*enrollment.AuditEntry){
		"subject": func(e *enrollment.AuditEntry) { e.Subject = "srv_2" },
		"at":      func(e *enrollment.AuditEntry) { e.At = e.At.Add(time.Microsecond) },
		"act":     func(e *enrollment.AuditEntry) { e.Act = enrollment.ActFileRefused },
		"actor":   func(e *enrollment.AuditEntry) { e.By.ID = "u-8" },
		"name":    func(e *enrollment.AuditEntry) { e.By.Name = "Toni" },
		"kind":    func(e *enrollment.AuditEntry) { e.By.Kind = enrollment.Key },
		"source":  func(e *enrollment.AuditEntry) { e.By.Source = "192.0.2.8" },
		"from":    func(e *enrollment.AuditEntry) { e.From = "" },
		"to":      func(e *enrollment.AuditEntry) { e.To = "completed" },
		"detail":  func(e *enrollment.AuditEntry) { e.Detail = map[string]string{"n": "x"} },
	}
	const n = 12
	whole, head := written(n)
	for i := range whole {
		for name, edit := range edits {
			forged := slices.Clone(whole)
			edit(&forged[i])
			require.Equal(t, int64(i+2), broken(forged, head), "%s of entry %d edited", name, i+1)
		}
		forged := slices.Clone(whole)
		forged[i].Previous = "00"
		require.Equal(t, int64(i+1), broken(forged, head), "the link of entry %d cut", i+1)
		forged = slices.Clone(whole)
		forged[i].Seq += 1
		require.Equal(t, int64(i+1), broken(forged, head), "entry %d renumbered", i+1)

		dropped := slices.Delete(slices.Clone(whole), i, i+1)
		require.Equal(t, int64(i+1), broken(dropped, head), "entry %d dropped", i+1)
		doubled := slices.Insert(slices.Clone(whole), i, whole[i])
		require.Equal(t, int64(i+2), broken(doubled, head), "entry %d doubled", i+1)
		require.Equal(t, int64(i+1), broken(whole[:i], head), "cut off behind entry %d", i)
		if i > 0 {
			moved := slices.Clone(whole)
			moved[i-1], moved[i] = moved[i], moved[i-1]
			require.Equal(t, int64(i), broken(moved, head), "entries %d and %d exchanged", i, i+1)
		}
	}
	more, _ := head.Append("srv_1", t0, enrollment.AuditFact{Act: enrollment.ActConfirmed, By: tess})
	require.Equal(t, int64(n+1), broken(append(slices.Clone(whole), more), head), "an entry added behind the end")
}

// Whoever can write entries can rewrite a whole history from some entry on. The end that was kept shows it.
func TestThreat20_AForkIsNotTheHistoryThatWasKept(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole, head := written(rapid.IntRange(1, 20).Draw(t, "entries"))
		from := rapid.IntRange(0, len(whole)-1).Draw(t, "forked behind")
		var branch enrollment.AuditHead
		if from > 0 {
			branch = enrollment.AuditHead{Seq: int64(from), Hash: whole[from-1].Hash()}
		}
		fork := slices.Clone(whole[:from])
		for i := range rapid.IntRange(1, 20).Draw(t, "entries of the fork") {
			var e enrollment.AuditEntry
			e, branch = branch.Append("srv_1", t0, enrollment.AuditFact{Act: enrollment.ActRechecked, By: tess, To: fmt.Sprint(i)})
			fork = append(fork, e)
		}
		require.Zero(t, broken(fork, branch), "in itself it is sound")
		require.NotZero(t, broken(fork, head), "but it is not the one that was kept")
		if len(fork) >= len(whole) {
			require.NotEqual(t, whole[len(whole)-1].Hash(), fork[len(whole)-1].Hash(), "nor does it pass a checkpoint of the old one")
		}
	})
}

// What is read back from a store has the hash that it was written with, whatever bytes the texts came with.
func TestAuditHashSurvivesTheStore(t *testing.T) {
	bytes := rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) })
	rapid.Check(t, func(t *rapid.T) {
		fact := enrollment.AuditFact{
			Act: enrollment.Act(bytes.Draw(t, "act")), From: bytes.Draw(t, "from"), To: bytes.Draw(t, "to"),
			By: enrollment.Actor{
				ID: bytes.Draw(t, "id"), Name: bytes.Draw(t, "name"), Source: bytes.Draw(t, "source"),
				Kind: enrollment.ActorKind(bytes.Draw(t, "kind")),
			},
			Detail: rapid.MapOfN(bytes, bytes, 0, 3).Draw(t, "detail"),
		}
		at := t0.Add(time.Duration(rapid.Int64Range(0, int64(day)).Draw(t, "at")))
		e, head := enrollment.AuditHead{Seq: 4, Hash: "ab"}.Append(bytes.Draw(t, "subject"), at, fact)
		text, err := json.Marshal(e)
		require.NoError(t, err)
		var read enrollment.AuditEntry
		require.NoError(t, json.Unmarshal(text, &read))
		require.Equal(t, head.Hash, e.Hash())
		require.Equal(t, head.Hash, read.Hash())
	})
}

// A machine keeps its facts; writing them down changes none.
func TestAppendLeavesTheFactAlone(t *testing.T) {
	detail := map[string]string{"a\xff": "b\xff"}
	fact := enrollment.AuditFact{By: enrollment.Actor{ID: "u\xff"}, Detail: detail}
	e, _ := enrollment.AuditHead{}.Append("s", t0, fact)
	require.Equal(t, map[string]string{"a\xff": "b\xff"}, detail)
	require.Equal(t, "u\xff", fact.By.ID)
	require.Equal(t, map[string]string{"a\uFFFD": "b\uFFFD"}, e.Detail)
}
