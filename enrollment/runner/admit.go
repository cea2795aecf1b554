package runner

import (
	"context"
	"slices"

	"github.com/abmrenew/abmrenew/storage"
)

// ofCredentials are the kinds that a crowd of devices is not to hold up.
var ofCredentials = []string{KindRenewal, KindServer, KindPushRenewal, KindPush}

func isOfCredentials(kind string) bool { return slices.Contains(ofCredentials, kind) }

// claim claims what is due longest. Where more is due than it may take, the half of it is left to credentials: the moves of one
// tenant may be due by the hundred thousand at once, and are worked on in the order in which they became due.
//
// The credentials come first, so that their effects do not wait for those of devices, whose MDM may be slow.
func (r *Runner) claim(ctx context.Context, d Due) (storage.Claimed, error) {
	half := d.Limit / 2
	claimed, err := r.store.Claim(ctx, storage.Claim{Kinds: d.Kinds, Limit: d.Limit - half, Shard: d.Shard, Lease: r.cfg.Lease})
	if err != nil {
		return claimed, err
	}
	credentials := slices.DeleteFunc(slices.Clone(d.Kinds), func(kind string) bool { return !isOfCredentials(kind) })
	for _, kinds := range [][]string{credentials, d.Kinds} {
		room := d.Limit - len(claimed.Records)
		if room == 0 || !claimed.More || len(kinds) == 0 {
			continue
		}
		further, err := r.store.Claim(ctx, storage.Claim{Kinds: kinds, Limit: room, Shard: d.Shard, Lease: r.cfg.Lease})
		if err != nil {
			r.log.WarnContext(ctx, "less was claimed than there is", "error", err)
			break // what is claimed is worked on
		}
		claimed.Records = append(claimed.Records, further.Records...)
		if len(kinds) == len(d.Kinds) {
			claimed.More, claimed.Next = further.More, further.Next
		}
	}
	first := slices.DeleteFunc(slices.Clone(claimed.Records), func(rec storage.Record) bool { return !isOfCredentials(rec.Kind) })
	others := slices.DeleteFunc(claimed.Records, func(rec storage.Record) bool { return isOfCredentials(rec.Kind) })
	claimed.Records = append(first, others...)
	return claimed, nil
}
