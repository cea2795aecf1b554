package seal

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// held puts an open key into a cache and returns it as the cache holds it.
func held(c *cache, tenant string, version int64, now time.Time) *dataKey {
	id := newKeyID()
	k := &dataKey{record: [keySize]byte{1}, mac: [keySize]byte{2}}
	c.put(tenant, ring{Active: id, Keys: []ringKey{{ID: id}}}, version, now).keys[id] = k
	return k
}

func TestKeysAreOverwrittenWhenTheyLeaveMemory(t *testing.T) {
	now := time.Now()
	for name, leave := range map[string]func(c *cache){
		"their time is over":   func(c *cache) { c.get("other", now.Add(time.Minute)) },
		"others need room":     func(c *cache) { held(c, "b", 1, now); held(c, "c", 1, now) },
		"they were destroyed":  func(c *cache) { c.put("acme", ring{Shredded: true}, 2, now) },
		"they were rotated":    func(c *cache) { held(c, "acme", 2, now) },
		"everything must go":   func(c *cache) { c.dropAll() },
		"seen again, and late": func(c *cache) { held(c, "acme", 2, now); c.get("", now.Add(time.Hour)) },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCache(time.Minute, 2)
			k := held(c, "acme", 1, now)
			leave(c)
			assert.Equal(t, dataKey{}, *k)
			assert.Len(t, c.tenants, c.order.Len())
		})
	}
}

func TestAnOlderRingNeverReplacesANewerOne(t *testing.T) {
	now := time.Now()
	c := newCache(time.Minute, 2)
	c.put("acme", ring{Shredded: true}, 5, now)
	e := c.put("acme", ring{Active: newKeyID()}, 4, now)
	assert.True(t, e.ring.Shredded)
}

func TestACallWorksWithItsOwnCopyOfTheKey(t *testing.T) {
	s, err := New(nothingStored{}, MemoryKeyring(), Options{})
	require.NoError(t, err)
	inMemory := held(s.cache, "acme", 1, s.o.Now())
	_, k, err := s.key(context.Background(), "acme", keyID{})
	require.NoError(t, err)
	s.Forget()
	assert.Equal(t, dataKey{}, *inMemory)
	assert.NotEqual(t, dataKey{}, k, "whoever is sealing just now is not disturbed")
	k.clear()
	assert.Equal(t, dataKey{}, k)
}
