package dep

import (
	"errors"
	"hash/maphash"
)

// ErrLoop says that pages follow, according to Apple, but they bring nothing new. It was observed that a page comes back with the
// cursor that it was asked with. The pages before are good; begin again later, with a full fetch if it stays.
var ErrLoop = errors.New("dep: Apple's list of devices does not end; fetch all devices again, later")

// maxStalled is how many pages in a row may be such as were there before; an empty one is like every other.
const maxStalled = 16

// progress watches the pages of one range. The zero progress is ready to use.
type progress struct {
	seed    maphash.Seed
	cursors map[uint64]struct{} // hashes, so that a list of a million devices costs some kilobytes
	pages   map[uint64]struct{}
	stalled int
}

// check judges a page after which others are said to follow.
func (p *progress) check(asked string, page Page) error {
	if p.cursors == nil {
		p.seed, p.cursors, p.pages = maphash.MakeSeed(), map[uint64]struct{}{}, map[uint64]struct{}{}
	}
	p.cursors[maphash.String(p.seed, asked)] = struct{}{}
	next := maphash.String(p.seed, page.Cursor)
	if _, again := p.cursors[next]; again {
		return ErrLoop
	}
	p.cursors[next] = struct{}{}

	content := p.content(page)
	if _, again := p.pages[content]; again {
		p.stalled++
	} else {
		p.stalled = 0
	}
	p.pages[content] = struct{}{}
	if p.stalled > maxStalled {
		return ErrLoop
	}
	return nil
}

// content is a hash of which devices a page lists, and for a sync of what happened to them when.
func (p *progress) content(page Page) uint64 {
	var h maphash.Hash
	h.SetSeed(p.seed)
	for _, d := range page.Devices {
		for _, s := range []string{d.Serial, string(d.Op), d.OpDate.String()} {
			_, _ = h.WriteString(s) // never fails
			_ = h.WriteByte(0)
		}
	}
	return h.Sum64()
}
