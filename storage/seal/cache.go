package seal

import (
	"container/list"
	"time"
)

// dataKey is an open data key: the key that record keys are derived from, and the one for signatures.
type dataKey struct {
	record [keySize]byte
	mac    [keySize]byte
}

func (k *dataKey) clear() { *k = dataKey{} }

// cache holds open data keys in memory, for a time and up to a number of tenants. Those loaded first leave first,
// so one order serves both bounds. It is guarded by the sealer's mutex, and gives out copies of keys only, so that
// overwriting one never harms a call that is using it.
type cache struct {
	ttl     time.Duration
	max     int
	order   *list.List // of *entry, by the time of loading
	tenants map[string]*list.Element
}

type entry struct {
	tenant  string
	version int64 // of the ring's record
	ring    ring
	keys    map[keyID]*dataKey // those that were asked for so far
	expires time.Time
}

func newCache(ttl time.Duration, most int) *cache {
	return &cache{ttl: ttl, max: most, order: list.New(), tenants: make(map[string]*list.Element)}
}

func (c *cache) get(tenant string, now time.Time) *entry {
	for front := c.order.Front(); front != nil && !now.Before(front.Value.(*entry).expires); front = c.order.Front() {
		c.drop(front)
	}
	if at, ok := c.tenants[tenant]; ok {
		return at.Value.(*entry)
	}
	return nil
}

// put takes in a ring as it was just read or written; what is known from a later version stays.
func (c *cache) put(tenant string, r ring, version int64, now time.Time) *entry {
	e := c.get(tenant, now)
	switch {
	case e == nil:
		e = &entry{tenant: tenant, keys: make(map[keyID]*dataKey)}
		c.tenants[tenant] = c.order.PushBack(e)
	case e.version > version:
		return e
	default:
		c.order.MoveToBack(c.tenants[tenant])
	}
	e.ring, e.version, e.expires = r, version, now.Add(c.ttl)
	for id, k := range e.keys {
		if _, still := r.find(id); !still {
			k.clear()
			delete(e.keys, id)
		}
	}
	for c.order.Len() > c.max {
		c.drop(c.order.Front())
	}
	return e
}

func (c *cache) drop(at *list.Element) {
	e := c.order.Remove(at).(*entry)
	delete(c.tenants, e.tenant)
	for _, k := range e.keys {
		k.clear()
	}
}

func (c *cache) dropAll() {
	for front := c.order.Front(); front != nil; front = c.order.Front() {
		c.drop(front)
	}
}
