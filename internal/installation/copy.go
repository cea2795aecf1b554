package installation

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/abmrenew/abmrenew/enrollment"
	"github.com/abmrenew/abmrenew/storage"
)

// order is a copy of a plan to be made.
type order struct {
	seed     uint64
	number   int // of the plan in the installation
	tenant   enrollment.TenantID
	from, to enrollment.ServerID
	moment   *moment
	at       time.Time // when the copy's moment is
}

// planID is the same whenever the same installation is made.
func (o order) planID() string { return "pln_" + hex.EncodeToString(o.digest("plan"))[:26] }

// digest is what is random about a copy, and the same each time.
func (o order) digest(of string) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], o.seed)
	binary.BigEndian.PutUint64(b[8:], uint64(o.number))
	sum := sha256.Sum256(append(b[:], of...))
	return sum[:]
}

// serial is a serial number of twelve characters, as Apple's are: unique by the plan and the device's number in it, and in
// the order of the source's.
func (o order) serial(n int) string {
	const all = 36 * 36 * 36 * 36 * 36 * 36 * 36 * 36
	scattered := (uint64(o.number)*2_654_435_761 + o.seed%all) % all // the factor has no divisor in common with 36
	return strings.ToUpper(fmt.Sprintf("%08s%04d", strconv.FormatUint(scattered, 36), n))
}

// copied makes the records of a copy.
func (o order) copied(ctx context.Context, store storage.Store, sealer storage.Sealer) ([]storage.Record, error) {
	m := o.moment
	texts := make([]string, len(m.texts))
	later := o.at.Sub(m.at)
	for i, p := range m.texts {
		switch p.kind {
		case whose:
			texts[i] = string(o.tenant)
		case from:
			texts[i] = string(o.from)
		case to:
			texts[i] = string(o.to)
		case plan:
			texts[i] = o.planID()
		case serial:
			texts[i] = o.serial(p.number)
		case uuid:
			texts[i] = o.uuid(p.source)
		case moved:
			texts[i] = p.at.Add(later).Format(time.RFC3339Nano)
		}
	}
	records := make([]storage.Record, len(m.records))
	for i, c := range m.records {
		value := c.value.filled(texts)
		if c.hash >= 0 {
			texts[c.hash] = hashOf(value)
		}
		r := repo(store, sealer, c)
		rec, err := r.Encode(ctx, r.New(string(c.tenant.filled(texts)), string(c.id.filled(texts)), value))
		if err != nil {
			return nil, err
		}
		rec.Parent, rec.State = string(c.parent.filled(texts)), string(c.state.filled(texts))
		if !c.wake.IsZero() {
			rec.Wake = storage.Instant(c.wake.Add(later))
		}
		records[i] = rec
	}
	return records, nil
}

// uuid is another UUID in each copy, in the letters of the source's.
func (o order) uuid(source string) string {
	sum := o.digest(source)
	id := fmt.Sprintf("%x-%x-%c%s-%c%s-%x", sum[:4], sum[4:6],
		source[14], hex.EncodeToString(sum[6:8])[1:], source[19], hex.EncodeToString(sum[8:10])[1:], sum[10:16]) // of the same version
	if strings.ToUpper(source) == source {
		id = strings.ToUpper(id)
	}
	return id
}

func (t text) filled(texts []string) []byte {
	n := 0
	for _, l := range t.literals {
		n += len(l)
	}
	for _, p := range t.pieces {
		n += len(texts[p])
	}
	b := append(make([]byte, 0, n), t.literals[0]...)
	for i, p := range t.pieces {
		b = append(append(b, texts[p]...), t.literals[i+1]...)
	}
	return b
}
