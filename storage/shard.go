package storage

import (
	"fmt"
	"hash/fnv"
)

// Shard is a part of all tenants, for workers that share the tenants among themselves. Each tenant is in one shard of the Of
// that there are, always the same as long as a store runs. The zero Shard is all tenants.
//
// Which tenants are together is the store's own matter.
type Shard struct {
	Index int // from 0 to Of-1
	Of    int // 0: there is one, with everybody in it
}

// MaxShards bounds [Shard.Of].
const MaxShards = 1024

// All reports whether everybody is in the shard.
func (s Shard) All() bool { return s.Of <= 1 }

// Holds reports whether a tenant is in the shard, for stores that have no better way to tell.
func (s Shard) Holds(tenant string) bool {
	if s.All() {
		return true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(tenant)) // a hash does not fail
	return int(h.Sum32()%uint32(s.Of)) == s.Index
}

// Validate reports, as an error that wraps [ErrInvalid], that there is no such shard.
func (s Shard) Validate() error {
	if s.Of < 0 || s.Of > MaxShards || s.Index < 0 || s.Index >= max(s.Of, 1) {
		return fmt.Errorf("%w: there is no shard %d of %d", ErrInvalid, s.Index, s.Of)
	}
	return nil
}
